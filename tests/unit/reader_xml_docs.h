/* SPDX-License-Identifier: MIT */
/* Pieces of which the tests of the XML reader make documents. */
#ifndef SHEAF_TESTS_READER_XML_DOCS_H
#define SHEAF_TESTS_READER_XML_DOCS_H

#define HEAD "<D:multistatus xmlns:D=\"DAV:\">"
#define TAIL "</D:multistatus>"
#define ALL(inside) HEAD inside TAIL
#define RESPONSE(inside) ALL("<D:response>" inside "</D:response>")
#define HREF "<D:href>/a</D:href>"
#define STATUS(line) "<D:status>" line "</D:status>"
#define OK STATUS("HTTP/1.1 200 OK")
#define SET(props, rest) \
	"<D:propstat><D:prop>" props "</D:prop>" rest "</D:propstat>"
#define SAID(text) "<D:responsedescription>" text "</D:responsedescription>"

#endif

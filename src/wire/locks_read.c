/* SPDX-License-Identifier: MIT */
#include "wire/locks_read.h"

#include "wire/xml_tree.h"

static struct str
text_of(const struct xml_node *n)
{
	return n ? n->text : (struct str){ 0 };
}

/* The text of the element, or of an element in it (a DAV:href mostly). */
static struct str
owner_text(const struct xml_node *n)
{
	unsigned steps;

	for (steps = 0; n && !n->text.len && steps < 8; steps++)
		n = n->child;
	return text_of(n);
}

static void
read_timeout(struct str s, struct told_lock *l)
{
	static const struct str prefix = STR_INIT("Second-");

	l->infinite = str_eq_nocase(s, STR("Infinite"));
	if (str_starts_nocase(s, prefix))
		(void)!str_to_u64(str_skip(s, prefix.len), &l->seconds);
}

static void
read_lock(const struct xml_node *active, struct told_lock *l)
{
	const struct xml_node *token = xml_tree_dav(active, "locktoken");
	const struct xml_node *root = xml_tree_dav(active, "lockroot");
	const struct xml_node *scope = xml_tree_dav(active, "lockscope");

	l->token = text_of(xml_tree_dav(token, "href"));
	l->root = text_of(xml_tree_dav(root, "href"));
	l->owner = owner_text(xml_tree_dav(active, "owner"));
	l->shared = xml_tree_dav(scope, "shared") != NULL;
	l->deep = str_eq_nocase(
	    text_of(xml_tree_dav(active, "depth")), STR("infinity"));
	read_timeout(text_of(xml_tree_dav(active, "timeout")), l);
}

enum err_code
locks_read(struct arena *a, struct str xml, const struct told_lock **locks,
    size_t *n, struct err *err)
{
	const struct xml_node *discovery, *active;
	struct xml_node *root;
	struct told_lock *v;
	size_t count = 0;
	enum err_code rc = xml_tree_read(a, xml, &root, err);

	if (rc)
		return rc;
	discovery = xml_node_is_dav(root, "prop")
	    ? xml_tree_dav(root, "lockdiscovery")
	    : root;
	if (!xml_node_is_dav(discovery, "lockdiscovery"))
		return err_set(err, ERR_BAD_BODY, "it has no lockdiscovery");
	for (active = discovery->child; active; active = active->next)
		count += xml_node_is_dav(active, "activelock");
	v = arena_array(a, count + 1, sizeof(*v));
	if (!v)
		return err_nomem(err);
	*locks = v;
	*n = count;
	for (active = discovery->child; active; active = active->next)
		if (xml_node_is_dav(active, "activelock"))
			read_lock(active, v++);
	return ERR_OK;
}

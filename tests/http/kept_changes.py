# SPDX-License-Identifier: MIT
"""All that can be done to a folder that is kept, and to its members.

Each is a function of a Place, a generator: where it yields, the folders must be
listed as they are.  Rows of CHANGES are in the order of the functions.
"""

import ctypes
import fcntl
import mmap
import os
import shutil

FILES = 4
OLD = (10**9, 10**9)
LOCK = (b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
        b'<D:locktype><D:write/></D:locktype></D:lockinfo>')

libc = ctypes.CDLL(None, use_errno=True)
CHANGES = []


def change(f):
    CHANGES.append(f)
    return f


class Place:
    """/NAME/ with d/, which is what things are done to, and e/ beside it."""

    def __init__(self, world, name):
        self.world = world
        self.path = "/%s/" % name
        os.mkdir(self("."))
        self.write("target", b"the target")
        for folder in ("d", "e"):
            self.fill(folder)

    def fill(self, folder):
        """Its members are old, so that any change shows in their dates."""
        os.mkdir(self(folder))
        for i in range(FILES):
            self.write("%s/f%d" % (folder, i), b"twelve bytes")
            os.utime(self("%s/f%d" % (folder, i)), OLD)
        os.mkdir(self(folder + "/s"))
        os.utime(self(folder + "/s"), OLD)
        os.symlink("../target", self(folder + "/l"))

    def __call__(self, name):
        return self.world.real(self.path + name)

    def folders(self):
        return [self.path + n for n in ("", "d/", "e/", "d/s/")]

    def learn(self):
        for folder in ("d/", "e/"):
            self.world.learn(self.path + folder)

    def list_often(self):
        for folder in ("d/", "e/"):
            self.world.list_often(self.path + folder)

    def write(self, name, data=b"another text", mode="wb"):
        with open(self(name), mode) as f:
            f.write(data)

    def ask(self, method, name, headers=(), body=None):
        headers = dict(headers)
        if "Destination" in headers:
            headers["Destination"] = self.path + headers["Destination"]
        return self.world.ask(method, self.path + name, headers, body,
                              (200, 201, 204, 207))


# ---- names

@change
def made(p):
    p.write("d/new")
    yield
    p.write("d/new")


@change
def removed(p):
    os.unlink(p("d/f1"))
    yield
    p.write("d/f1", b"twelve bytes")


@change
def renamed_within(p):
    os.rename(p("d/f1"), p("d/g1"))
    yield
    os.rename(p("d/g1"), p("d/f1"))


@change
def renamed_over(p):
    os.rename(p("d/f1"), p("d/f2"))
    yield


@change
def renamed_into_and_over(p):
    p.write("e/new")
    os.rename(p("e/new"), p("d/new"))
    yield
    os.rename(p("e/f0"), p("d/f0"))


@change
def renamed_out(p):
    os.rename(p("d/f0"), p("e/x"))
    yield
    p.write("e/x", b"more", "ab")


@change
def exchanged_by_three_renames(p):
    os.rename(p("d/f0"), p("d/t"))
    os.rename(p("d/f1"), p("d/f0"))
    os.rename(p("d/t"), p("d/f1"))
    yield


@change
def exchanged_at_once(p):
    at_cwd, exchange = -100, 2
    for one, other in (("d/f0", "d/f1"), ("d/f2", "e/f2"), ("d/f3", "d/s")):
        libc.renameat2(at_cwd, os.fsencode(p(one)), at_cwd, os.fsencode(p(other)),
                       exchange)
        yield


@change
def names_changed_but_the_times_put_back(p):
    st = os.stat(p("d"))
    os.rename(p("d/f0"), p("d/g0"))
    os.utime(p("d"), ns=(st.st_atime_ns, st.st_mtime_ns))
    yield
    p.write("d/f0")
    os.utime(p("d"), ns=(st.st_atime_ns, st.st_mtime_ns))


# ---- content and attributes

@change
def written_in_place(p):
    p.write("d/f0", b"TWELVE", "r+b")
    yield
    p.write("d/f0", b"twelve", "r+b")


@change
def appended(p):
    p.write("d/f0", b"more", "ab")
    yield
    with open(p("d/f0"), "ab", buffering=0) as f:
        f.write(b"x")
        yield
        p.list_often()
        f.write(b"y")
        yield
    p.learn()


@change
def cut_by_opening(p):
    os.close(os.open(p("d/f0"), os.O_WRONLY | os.O_TRUNC))
    yield


@change
def cut_by_name(p):
    os.truncate(p("d/f0"), 3)
    yield
    os.truncate(p("d/f0"), 3000)


@change
def given_room(p):
    with open(p("d/f0"), "r+b") as f:
        os.posix_fallocate(f.fileno(), 0, 9000)
    yield


@change
def copied_into(p):
    with open(p("e/f1"), "rb") as source, open(p("d/f1"), "r+b") as to:
        os.copy_file_range(source.fileno(), to.fileno(), 5, 0, 100)
        yield
        os.sendfile(to.fileno(), source.fileno(), 0, 7)
        yield


@change
def stored_into_a_mapping(p):
    with open(p("d/f0"), "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        yield
        for text in (b"MAP", b"map"):
            p.list_often()
            m[0:3] = text
            m.flush()
            yield


@change
def mapped_before_it_was_known(p):
    p.write("d/new", b"0" * 5000)
    with open(p("d/new"), "r+b") as f:
        m = mmap.mmap(f.fileno(), 0)
    p.list_often()  # closed, and yet it can be stored into
    m[0:3] = b"abc"
    m.flush()
    yield
    m.close()
    p.learn()


@change
def given_another_mode(p):
    os.chmod(p("d/f0"), 0o600)
    os.chmod(p("d/s"), 0o700)
    yield


@change
def given_other_times(p):
    os.utime(p("d/f0"), ns=(10**9, 10**9))
    yield
    os.utime(p("d/f0"), ns=(10**9, 10**9 + 1))
    yield
    os.utime(p("d/s"), ns=(10**9, 10**9))


@change
def attributes_set(p):
    try:
        os.setxattr(p("d/f0"), "user.x", b"1")
    except OSError:
        pass  # not every file system has them
    yield


@change
def the_targets_of_links(p):
    p.write("target", b"more", "ab")
    yield
    os.truncate(p("target"), 0)
    yield
    os.unlink(p("target"))  # now they lead nowhere, and are not there
    yield
    p.fill("target")
    yield
    p.list_often()
    os.rename(p("target"), p("was"))
    yield


@change
def the_way_of_a_link_to_its_target(p):
    for folder in ("way", "other"):
        os.mkdir(p(folder))
        p.write(folder + "/t", folder.encode())
    os.symlink("../way/t", p("d/m"))
    p.learn()
    os.rename(p("way"), p("was"))
    os.rename(p("other"), p("way"))
    yield


# ---- links

@change
def linked_and_written_by_another_name(p):
    os.link(p("d/f0"), p("e/x"))
    yield
    p.write("e/x", b"more", "ab")
    yield
    p.list_often()  # with two names it is not learnt
    p.write("e/x", b"more", "ab")
    yield
    p.list_often()
    os.truncate(p("d/f0"), 1)
    yield
    os.unlink(p("e/x"))
    yield
    p.learn()
    p.write("d/f0", b"more", "ab")


@change
def two_names_in_one_folder(p):
    os.link(p("d/f0"), p("d/x"))
    yield
    p.list_often()
    os.utime(p("d/x"), ns=(10**9, 10**9))
    yield
    p.list_often()
    os.unlink(p("d/f0"))
    yield
    p.learn()
    p.write("d/x", b"more", "ab")


@change
def a_name_outside_of_what_is_served(p):
    outside = os.path.join(p.world.home, "outside")
    os.link(p("d/f0"), outside)
    p.list_often()
    with open(outside, "ab") as f:
        f.write(b"more")
    yield
    os.unlink(outside)


@change
def links_made_and_led_elsewhere(p):
    p.write("other", b"the other target")
    os.symlink("../other", p("d/m"))
    yield
    p.list_often()
    os.unlink(p("d/m"))
    os.symlink("../e", p("d/m"))
    yield
    os.symlink("../target", p("d/t"))
    os.rename(p("d/t"), p("d/f0"))  # a link in place of a file


@change
def the_way_to_a_folder_is_a_link(p):
    os.symlink("d", p("way"))
    p.world.learn(p.path + "d/")
    p.world.list_often(p.path + "way/")
    p.write("d/f0", b"more", "ab")
    p.world.check(p.path + "way/", "by a link")
    os.unlink(p("way"))
    os.symlink("e", p("way"))
    p.world.check(p.path + "way/", "by another link")
    yield


# ---- folders

@change
def filled_and_emptied_below(p):
    p.write("d/s/new")
    yield
    os.unlink(p("d/s/new"))


@change
def removed_and_made_again(p):
    os.rmdir(p("d/s"))
    os.mkdir(p("d/s"))
    yield
    shutil.rmtree(p("d"))
    yield
    p.fill("d")
    yield
    p.learn()
    p.write("d/f0", b"more", "ab")


@change
def moved_away_and_another_in_its_place(p):
    os.rename(p("d"), p("was"))
    os.rename(p("e"), p("d"))
    yield
    p.write("was/f0", b"more", "ab")
    p.write("d/f0", b"even more", "ab")
    os.rename(p("was"), p("e"))


@change
def its_parent_moved(p):
    os.rename(p("."), p("../moved"))
    yield
    p.world.check("/moved/d/", "its parent moved")
    with open(p("../moved/d/f0"), "ab") as f:
        f.write(b"more")
    p.world.check("/moved/d/", "its parent moved, and then a write")
    os.rename(p("../moved"), p("."))


@change
def a_file_in_place_of_a_folder(p):
    os.rmdir(p("d/s"))
    p.write("d/s")
    yield
    os.unlink(p("d/s"))
    os.mkdir(p("d/s"))


# ---- by the server itself

@change
def put(p):
    p.ask("PUT", "d/new", body=b"x")
    yield
    p.ask("PUT", "d/f0", body=b"another text")
    yield
    p.write("d/f0", b"more", "ab")
    p.ask("PUT", "d/f0", body=b"x" * 70000)


@change
def moved_and_copied(p):
    p.ask("MOVE", "d/f0", {"Destination": "d/g0"})
    yield
    p.ask("MOVE", "d/f1", {"Destination": "e/f1"})
    yield
    p.ask("COPY", "e/f0", {"Destination": "d/f2"})
    yield
    p.ask("COPY", "e/", {"Destination": "d/s/"})
    p.ask("MOVE", "d/s/", {"Destination": "d/r/"})
    yield
    p.ask("MOVE", "e/", {"Destination": "d/"})


@change
def deleted_and_made(p):
    p.ask("DELETE", "d/f0")
    p.ask("MKCOL", "d/f0")
    yield
    p.ask("DELETE", "d/")
    yield
    p.fill("d")


@change
def properties_and_locks(p):
    p.world.patch(p.path + "d/f0")
    yield
    token = p.ask("LOCK", "d/f1", {"Depth": "0", "Timeout": "Second-600",
                                   "Content-Type": "application/xml"},
                  LOCK).header("Lock-Token")
    yield
    p.write("d/f1", b"more", "ab")  # by hand no lock keeps from that
    yield
    p.ask("PUT", "d/f1", {"If": "(%s)" % token}, b"x")
    yield
    p.ask("UNLOCK", "d/f1", {"Lock-Token": token})
    p.world.patch(p.path + "d/f0")


# ---- read only: nothing changed, and nothing is said to have

@change
def read_by_others(p):
    with open(p("d/f0"), "rb") as f:
        fcntl.flock(f, fcntl.LOCK_SH)
        f.read()
        yield
    os.listdir(p("d"))

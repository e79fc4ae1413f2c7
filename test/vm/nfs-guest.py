"""usage: nfs-guest.py sqlite | mapped | ranges: jobs of nfs-guest.bash, in the current folder, while the server is killed."""
import fcntl, mmap, os, random, signal, sqlite3, sys, time


def sqlite():
    db = sqlite3.connect('sq.db', timeout=60, isolation_level=None)
    db.execute('pragma synchronous=full')
    db.execute('create table t(i integer primary key)')
    for i in range(40):
        db.execute('begin immediate')
        db.execute('insert into t values(?)', (i,))
        db.execute('commit')
    assert db.execute('select count(*) from t').fetchone()[0] == 40
    assert db.execute('pragma integrity_check').fetchone()[0] == 'ok'


def mapped():
    """A shared mapping, written in random places and flushed; /tmp/mapped is what must be there in the end."""
    size, pages = 4 << 20, 1024
    with open('mapped', 'w+b') as file:
        os.truncate(file.fileno(), size)
        view = mmap.mmap(file.fileno(), size)
        expected = bytearray(size)
        for _ in range(40):
            for _ in range(20):
                at = random.randrange(pages) * 4096 + random.randrange(4000)
                data = os.urandom(96)
                view[at:at + 96] = expected[at:at + 96] = data
            view.flush()
            with open('mapped', 'rb') as again:
                os.posix_fadvise(again.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                assert again.read() == expected
            time.sleep(0.3)
        view.close()
    with open('/tmp/mapped', 'wb') as file:
        file.write(expected)


def ranges():
    """fcntl's locks: what a process has is refused to others, what it has not is given, and its end gives back all."""
    fd = os.open('ranges', os.O_RDWR | os.O_CREAT)
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, 0)
    for _ in range(20):
        ready, tell = os.pipe()
        child = os.fork()
        if child == 0:
            mine = os.open('ranges', os.O_RDWR)
            try:
                fcntl.lockf(mine, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 99)
                os._exit(1)
            except OSError:
                fcntl.lockf(mine, fcntl.LOCK_EX, 100, 100)
                os.write(tell, b'x')
                signal.pause()
        os.close(tell)
        assert os.read(ready, 1) == b'x', 'a range that is locked was given to another process'
        os.close(ready)
        try:
            fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 150)
            raise AssertionError('a range that another process has was given')
        except BlockingIOError:
            pass
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        fcntl.lockf(fd, fcntl.LOCK_EX, 100, 100)
        fcntl.lockf(fd, fcntl.LOCK_UN, 100, 100)
        time.sleep(0.5)


{'sqlite': sqlite, 'mapped': mapped, 'ranges': ranges}[sys.argv[1]]()

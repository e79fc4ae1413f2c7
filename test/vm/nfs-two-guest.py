"""usage: nfs-two-guest.py one | two PORT: one of two machines that have one export mounted. They meet, and ask the host,
by files in /host."""
import errno, fcntl, multiprocessing, os, signal, socket, sqlite3, subprocess, sys, time, traceback

me, port = sys.argv[1:]
is_one = me == 'one'
other = 'two' if is_one else 'one'
MOUNT = '/mnt/nfs'
LIMIT_S = 120
ROWS = COUNTS = RECORDS = 40


def ok(text):
    if is_one:
        print('ok', text, flush=True)


def touch(name):
    open(f'/host/{name}', 'w').close()


def poll(condition, what):
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, f'waited in vain for {what}'
        assert not os.path.exists('/host/failed'), 'the other guest has failed'
        time.sleep(0.1)


def wait_for(name):
    poll(lambda: os.path.exists(f'/host/{name}'), name)


def meet(point):
    touch(f'{point}.{me}')
    wait_for(f'{point}.{other}')


take = {'fcntl': fcntl.lockf, 'flock': fcntl.flock}


def opened(name):
    return os.open(name, os.O_RDWR | os.O_CREAT)


def try_lock(kind, fd):
    try:
        take[kind](fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


def exclude(kind):
    """What one holds, two does not get: not before it is given back, closed, or its process dies."""
    fd = opened(kind)
    if is_one:
        assert try_lock(kind, fd)
        meet(f'{kind} held')
        meet(f'{kind} refused')
        os.close(fd)
        meet(f'{kind} closed')
        meet(f'{kind} taken')
        child = os.fork()
        if child == 0:
            take[kind](opened(kind), fcntl.LOCK_EX)
            touch(f'{kind} child')
            signal.pause()
        wait_for(f'{kind} child')
        meet(f'{kind} child held')
        meet(f'{kind} child refused')
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    else:
        meet(f'{kind} held')
        assert not try_lock(kind, fd)
        meet(f'{kind} refused')
        meet(f'{kind} closed')
        assert try_lock(kind, fd)
        take[kind](fd, fcntl.LOCK_UN)
        meet(f'{kind} taken')
        meet(f'{kind} child held')
        assert not try_lock(kind, fd)
        meet(f'{kind} child refused')
        take[kind](fd, fcntl.LOCK_EX)
        os.close(fd)
    meet(f'{kind} done')
    ok(f'{kind} between two machines: refused, given back, left behind by a process that died')


def split():
    fd, start = opened('ranges'), 0 if is_one else 100
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 100, start)
    meet('ranges held')
    try:
        fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 100 - start)
        raise AssertionError('got the range of the other machine')
    except BlockingIOError:
        pass
    meet('ranges refused')
    os.close(fd)
    ok('ranges of one file, each of a machine')


def visible():
    """Close-to-open: what was closed here is seen by who opens it there afterwards, also when it has the same length."""
    for i in range(20):
        if (i % 2 == 0) == is_one:
            with open('visible', 'w') as file:
                file.write(f'{i:04}')
            meet(f'written {i}')
        else:
            meet(f'written {i}')
            with open('visible') as file:
                assert file.read() == f'{i:04}', i
        meet(f'read {i}')
    ok('what is closed on one machine is seen on the other at its next open')


def rows():
    db = sqlite3.connect('rows.db', timeout=LIMIT_S, isolation_level=None)
    for i in range(ROWS):
        db.execute('begin immediate')
        db.execute('insert into t values(?)', (f'{me} {i}',))
        db.execute('commit')


def count():
    fd = opened('count.lock')
    for _ in range(COUNTS):
        poll(lambda: try_lock('flock', fd), 'the lock of the count')
        with open('count') as file:
            number = int(file.read())
        with open('count.new', 'w') as file:
            file.write(str(number + 1))
        os.rename('count.new', 'count')
        fcntl.flock(fd, fcntl.LOCK_UN)


def record():
    with open(f'records.{me}', 'w') as file:
        for i in range(RECORDS):
            file.write(f'{i}\n')
            file.flush()
            os.fsync(file.fileno())
            time.sleep(0.7)


def refused():
    fds = [(kind, opened(f'held.{kind}')) for kind in take]
    for _ in range(60):
        assert not any(try_lock(kind, fd) for kind, fd in fds)
        time.sleep(0.4)


def loaded():
    held = [(kind, opened(f'held.{kind}')) for kind in take]
    if is_one:
        assert all(try_lock(kind, fd) for kind, fd in held)
        db = sqlite3.connect('rows.db', isolation_level=None)
        db.execute('create table t(name text)')
        db.close()
        with open('count', 'w') as file:
            file.write('0')
    meet('load')
    if is_one:
        touch('restarts')
    fork = multiprocessing.get_context('fork')
    jobs = [fork.Process(target=job, name=job.__name__) for job in [rows, count, record, *([] if is_one else [refused])]]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
        assert job.exitcode == 0, f'{job.name} failed'
    meet('loaded')
    if is_one:
        os.unlink('/host/restarts')
    db = sqlite3.connect('rows.db')
    names = sorted(name for name, in db.execute('select name from t'))
    assert names == sorted(f'{guest} {i}' for guest in ('one', 'two') for i in range(ROWS))
    assert db.execute('pragma integrity_check').fetchone()[0] == 'ok'
    db.close()
    with open('count') as file:
        assert int(file.read()) == 2 * COUNTS
    with open(f'records.{other}') as file:
        assert file.read() == ''.join(f'{i}\n' for i in range(RECORDS))
    for _, fd in held:
        os.close(fd)
    meet('checked')
    ok('SQLite of two machines, while the server is killed: every row, and integrity_check')
    ok('a count under flock, synced records and held locks of two machines, while the server is killed')


def cut_off():
    """Two loses its network and so its lease; one gets the lock. Two finds out, writes nothing, and goes on."""
    fd = opened('cut')
    if is_one:
        meet('cut held')
        assert not try_lock('fcntl', fd)
        touch('cut')
        wait_for('is-cut')
        poll(lambda: try_lock('fcntl', fd), 'the lock of the machine that is cut off')
        os.pwrite(fd, b'one', 0)
        os.fsync(fd)
        touch('heal')
        wait_for('is-healed')
        meet('cut found out')
        assert os.pread(fd, 10, 0) == b'one'
        fcntl.lockf(fd, fcntl.LOCK_UN)
        meet('cut over')
        meet('cut taken')
    else:
        assert try_lock('fcntl', fd)
        os.pwrite(fd, b'two', 0)
        os.fsync(fd)
        meet('cut held')
        wait_for('is-healed')
        try:
            os.pwrite(fd, b'late', 0)
            os.fsync(fd)
            raise AssertionError('wrote under a lock that was lost')
        except OSError as error:
            assert error.errno == errno.EIO, error
        try:
            os.close(fd)
        except OSError as error:
            assert error.errno == errno.EIO, error
        fd = opened('cut')
        assert os.pread(fd, 10, 0) == b'one'
        assert not try_lock('fcntl', fd)
        meet('cut found out')
        meet('cut over')
        assert try_lock('fcntl', fd)
        meet('cut taken')
    os.close(fd)
    ok('a machine that is cut off loses its lock when its lease is over, is told so, and goes on')


def main():
    # A client is known by its host's name.
    socket.sethostname(me)
    os.makedirs(MOUNT)
    subprocess.run(['modprobe', 'nfsv4'], check=True)
    options = f'vers=4.1,proto=tcp,port={port},addr=10.0.2.2,clientaddr=10.0.2.15,sec=sys,hard,timeo=50,retrans=2'
    subprocess.run(['mount', '-i', '-t', 'nfs4', '-o', options, '10.0.2.2:/data', MOUNT], check=True)
    os.chdir(MOUNT)
    meet('mounted')
    exclude('fcntl')
    exclude('flock')
    split()
    visible()
    loaded()
    cut_off()
    meet('end')
    os.chdir('/')
    subprocess.run(['umount', MOUNT], check=True)


try:
    main()
except BaseException:
    touch('failed')
    traceback.print_exc(file=sys.stdout)
    subprocess.run('dmesg | tail -n 20', shell=True)
    raise SystemExit(1)

"""usage: nfs-figures-guest.py BERTH-PORT GANESHA-PORT: the guest's part of nfs-figures.bash."""
import json, multiprocessing, os, statistics, subprocess, sys, time

PORTS = dict(zip(('berth', 'ganesha'), sys.argv[1:]))
ROUNDS, SECONDS = 3, 3
fork = multiprocessing.get_context('fork')


def mounted(name):
    mount = f'/mnt/{name}'
    os.makedirs(mount)
    # No attributes from memory, so that each stat asks the server.
    options = f'vers=4.1,proto=tcp,port={PORTS[name]},addr=10.0.2.2,clientaddr=10.0.2.15,sec=sys,hard,actimeo=0'
    subprocess.run(['mount', '-i', '-t', 'nfs4', '-o', options, '10.0.2.2:/data', mount], check=True)
    return mount


def fio(pattern, size, result):
    def measure(mount, jobs):
        command = ['fio', '--name=figures', f'--directory={mount}', f'--rw={pattern}', f'--bs={size}', '--size=16m', f'--numjobs={jobs}',
                   '--direct=1', '--ioengine=psync', '--time_based', f'--runtime={SECONDS}', '--group_reporting', '--output-format=json']
        job = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)['jobs'][0]
        return job['write' if 'write' in pattern else 'read'][result]
    return measure


def repeated(act):
    def work(mount, job, counts):
        end, i = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            act(mount, f'{job}.{i}')
            i += 1
        counts.put(i)

    def measure(mount, jobs):
        counts = fork.SimpleQueue()
        workers = [fork.Process(target=work, args=(mount, job, counts)) for job in range(jobs)]
        for worker in workers:
            worker.start()
        total = sum(counts.get() for _ in workers)
        for worker in workers:
            worker.join()
            assert worker.exitcode == 0
        return total / SECONDS
    return measure


def create(mount, name):
    os.close(os.open(f'{mount}/new.{time.monotonic_ns()}.{name}', os.O_CREAT | os.O_EXCL | os.O_WRONLY))


PATTERNS = {
    'write 1 MiB, MB/s': fio('write', '1m', 'bw_bytes'),
    'read 1 MiB, MB/s': fio('read', '1m', 'bw_bytes'),
    'random read 4 KiB, /s': fio('randread', '4k', 'iops'),
    'random write 4 KiB, /s': fio('randwrite', '4k', 'iops'),
    'create, /s': repeated(create),
    'stat, /s': repeated(lambda mount, _: os.stat(f'{mount}/file')),
}

subprocess.run(['modprobe', 'nfsv4'], check=True)
mounts = {name: mounted(name) for name in PORTS}
for mount in mounts.values():
    open(f'{mount}/file', 'w').close()
print('| what, processes | berth | ganesha | ratio |\n|---|---|---|---|', flush=True)
for what, measure in PATTERNS.items():
    for jobs in (1, 8):
        rates = {name: [] for name in PORTS}
        for turn in range(ROUNDS):
            for name in sorted(PORTS, reverse=turn % 2 == 1):
                rates[name].append(measure(mounts[name], jobs))
        berth, ganesha = (statistics.median(rates[name]) / (1e6 if 'MB' in what else 1) for name in ('berth', 'ganesha'))
        print(f'| {what}, {jobs} | {berth:.1f} | {ganesha:.1f} | {berth / ganesha:.2f} |', flush=True)

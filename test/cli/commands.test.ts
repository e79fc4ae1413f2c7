import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BerthError } from '../../src/errors.ts';
import type { Job } from '../../src/volumes/model.ts';
import { CREATED_AT, fakePool, fakeVolume, OTHER_POOL_ID, POOL_ID } from '../admin/fake-service.ts';
import { type Lab, openLab } from './harness.ts';

const GIB = 1n << 30n;
let lab: Lab;

const full = () => ({
  pools: [
    fakePool({ volumes: 2, snapshots: 1 }),
    fakePool({
      id: OTHER_POOL_ID,
      name: 'files',
      class: 'files',
      backend: 'image' as const,
      state: 'lost' as const,
      reason: 'its disk is gone',
      storage: ['/dev/sdb', '/dev/sdc'],
      totalBytes: 3_500_000_000_000n,
      availableBytes: 0n,
      snapshotKind: 'copy' as const,
      blockVolumes: true,
      filesystems: ['ext4' as const, 'xfs' as const, 'btrfs' as const],
    }),
  ],
  volumes: [
    fakeVolume(1, { name: 'data', mounts: [{ path: '/mnt/data', readOnly: false }] }),
    fakeVolume(2, { name: 'logs', state: 'creating', createdAt: CREATED_AT - 5 * 86_400_000 }),
    fakeVolume(3, {
      id: `${OTHER_POOL_ID}.abcdef01-1111-4000-8000-000000000000`,
      name: 'evil\u001b[2J\nname',
      poolId: OTHER_POOL_ID,
      poolName: 'files',
      poolClass: 'files',
      backend: 'image',
      content: 'block',
      sizeBytes: 1_500_000_000n,
      parameters: { poolClass: 'files', thin: true, nodatacow: false },
      source: { kind: 'snapshot', id: `${OTHER_POOL_ID}.s` },
      device: '/dev/loop7',
      mounts: [{ path: '/mnt/raw', readOnly: true }],
    }),
  ],
  snapshots: [
    {
      id: `${POOL_ID}.00000001-2222-4000-8000-000000000000`,
      name: 'before-upgrade',
      sourceVolumeId: fakeVolume(1).id,
      sizeBytes: GIB,
      createdAt: CREATED_AT,
      ready: true,
    },
  ],
  jobs: [
    job({ id: `${POOL_ID}.7c1e0000-3333-4000-8000-000000000000`, subject: fakeVolume(1).id, doneBytes: 3n * GIB }),
    job({
      id: `${POOL_ID}.8d2f0000-3333-4000-8000-000000000000`,
      kind: 'free',
      subject: 'old',
      state: 'failed',
      endedAt: CREATED_AT + 1_000,
      error: 'input/output error',
    }),
  ],
});

function job(changes: Partial<Job>): Job {
  return {
    id: `${POOL_ID}.x`,
    poolName: 'nvme',
    kind: 'copy',
    subject: 'x',
    state: 'running',
    doneBytes: 0n,
    totalBytes: 10n * GIB,
    startedAt: CREATED_AT,
    ...changes,
  };
}

beforeEach(async () => {
  lab = await openLab(full());
});
afterEach(() => lab.close());

const lines = (text: string) => text.trimEnd().split('\n');

describe('what is printed', () => {
  it.each([
    'status',
    'pool list',
    'pool show nvme',
    'pool show files',
    'disk list',
    'volume list',
    'volume list --snapshots',
    'volume show data',
    'volume show abcdef',
    'volume stats data logs abcdef',
    'job list',
  ])('%s', async (command) => {
    const text = await lab.berth(command.split(' '));
    expect(text).toMatchObject({ code: 0, err: '' });
    const json = await lab.berth([...command.split(' '), '--json']);
    expect(json).toMatchObject({ code: 0, err: '' });
    JSON.parse(json.out);
    const name = command.replace(/[ /]+/g, '-').replaceAll('--', '');
    const shown = `${text.out}\n--json\n${json.out}`.replaceAll(lab.dir, '<dir>');
    await expect(shown).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it('disk explain tells what the daemon found and what the drive says', async () => {
    const { out } = await lab.berth(['disk', 'explain', 'nvme1n1']);
    expect(out).toContain('EMPTY: nothing is on it');
    expect(out).toMatch(/\nThe drive says:\n {2}firmware {5}GDC5902Q\n {2}temperature {2}38 °C\n {2}health {7}Ok\n$/);
    const { out: json } = await lab.berth(['disk', 'explain', 'nvme1n1', '--json']);
    expect(JSON.parse(json)).toMatchObject({ verdict: 'free', facts: { temperatureCelsius: 38, interface: null } });
  });

  it('says so when there is nothing', async () => {
    Object.assign(lab.state, { pools: [], volumes: [], snapshots: [], jobs: [] });
    for (const [command, words] of Object.entries({
      'volume list': 'no volumes',
      'volume list --snapshots': 'no snapshots',
      'pool list': 'no pools',
      'job list': 'no jobs',
      'job watch': '',
    })) {
      expect((await lab.berth(command.split(' '))).out.trim()).toBe(words);
      const json = await lab.berth([...command.split(' '), '--json']);
      expect(json.out.trim()).toBe('[]');
    }
  });

  it('is coloured only where the terminal wants it', async () => {
    const { out } = await lab.berth(['pool', 'list'], { style: (style, text) => `<${style}>${text}</>` });
    expect(out).toContain('<green>ready</>');
    expect(out).toContain('<red>lost </>');
  });
});

describe('names', () => {
  it.each([
    ['data', 'data'],
    ['dat', 'data'],
    [fakeVolume(1).id, 'data'],
    ['00000001-1111-4000-8000-000000000000', 'data'],
    ['00000002', 'logs'],
  ])('%s means %s', async (given, name) => {
    expect(JSON.parse((await lab.berth(['volume', 'show', given, '--json'])).out).name).toBe(name);
  });

  it('in full win over those that only begin so', async () => {
    lab.state.volumes.push(fakeVolume(9, { name: 'data-2' }));
    expect((await lab.berth(['volume', 'show', 'data'])).code).toBe(0);
  });

  it('that mean several are refused with what they mean', async () => {
    lab.state.volumes = [1, 2, 3, 4, 5, 6].map((number) => fakeVolume(number));
    const { code, err } = await lab.berth(['volume', 'show', 'pvc']);
    expect(code).toBe(1);
    expect(err).toMatch(
      /^berth: NAME_AMBIGUOUS: pvc means several: .*pvc-1.*, and 1 more\n {2}hint: Give more of the id/,
    );
  });

  it.each([
    ['volume show nope', 'VOLUME_NOT_FOUND'],
    ['volume show ', 'VOLUME_NOT_FOUND'],
    ['volume delete --yes --snapshot data', 'SNAPSHOT_NOT_FOUND'],
    ['volume clone nope new', 'SOURCE_NOT_FOUND'],
    ['volume unmount /nope', 'MOUNT_NOT_FOUND'],
    ['volume unmount data /nope', 'VOLUME_PATH_UNKNOWN'],
    ['pool show nope', 'POOL_UNKNOWN'],
    ['pool import nope --yes', 'POOL_UNKNOWN'],
    ['disk explain nope', 'DISK_NOT_FOUND'],
    ['job cancel nope', 'JOB_NOT_FOUND'],
    ['job watch nope', 'JOB_NOT_FOUND'],
    [`volume show ${POOL_ID}.0000000f-1111-4000-8000-000000000000`, 'VOLUME_NOT_FOUND'],
  ])('of nothing: %s is %s', async (command, code) => {
    const result = await lab.berth(command.split(' '));
    expect(result).toMatchObject({ code: 1, out: '' });
    expect(result.err).toMatch(new RegExp(`^berth: ${code}: .*\n  hint: .*\n$`));
  });

  it('of disks may be cut short', async () => {
    expect((await lab.berth(['disk', 'explain', 'nvme-eui'])).out).toMatch(/^nvme-eui.0025385b71b0a1c2 is free/);
  });
});

describe('volume', () => {
  const created = () => JSON.parse(lab.state.calls.find((call) => call.startsWith('createVolume'))!.slice(13));

  it('create asks for what the options say', async () => {
    const command = 'volume create new --size 1.5Gi --class fast --fs xfs --thin --nodatacow';
    expect((await lab.berth(command.split(' '))).out).toBe('volume new of 1.5Gi is in pool nvme\n');
    expect(created()).toEqual({
      name: 'new',
      size: { requiredBytes: `${(3n * GIB) / 2n}n`, limitBytes: '0n' },
      capabilities: [{ access: { kind: 'mount', fsType: 'xfs', mountOptions: [] }, mode: 'SINGLE_NODE_MULTI_WRITER' }],
      parameters: { poolClass: 'fast', thin: true, nodatacow: true },
      ioLimits: {},
    });
  });

  it('create --block makes a raw block volume', async () => {
    await lab.berth(['volume', 'create', 'new', '--size', '1Gi', '--block']);
    expect(created().capabilities[0].access).toEqual({ kind: 'block' });
  });

  it('create waits for what takes long', async () => {
    lab.state.pending.set('createVolume', 2);
    expect((await lab.berth(['volume', 'create', 'new', '--size', '1Gi', '--json'])).code).toBe(0);
    expect(lab.state.calls.filter((call) => call.startsWith('createVolume'))).toHaveLength(3);
  });

  it('create goes on after its time is up only as long as a job runs', async () => {
    const late = () => new BerthError('POOL_DEADLINE', { pool: 'nvme', operation: 'createVolume' });
    lab.state.failures.set('createVolume', late());
    expect((await lab.berth(['volume', 'create', 'new', '--size', '1Gi'])).code).toBe(0);
    lab.state.failures.set('createVolume', late());
    lab.state.jobs = [];
    expect((await lab.berth(['volume', 'create', 'other', '--size', '1Gi'])).err).toMatch(/^berth: POOL_DEADLINE/);
  });

  it('create shows the jobs that it started on a terminal', async () => {
    lab.state.pending.set('createVolume', 1);
    lab.state.jobs = [
      job({ subject: 'mine', startedAt: Date.now() + 3_600_000 }),
      job({ subject: 'other', startedAt: 0 }),
    ];
    const { err, code } = await lab.berth(['volume', 'create', 'new', '--size', '1Gi'], { live: true });
    expect(code).toBe(0);
    expect(err).toContain('copy mine  [');
    expect(err).not.toContain('other');
    expect(err.endsWith('\u001b[1A\u001b[2K')).toBe(true);
  });

  it('clone of a volume takes its size, class and content', async () => {
    const { out } = await lab.berth(['volume', 'clone', 'data', 'copy']);
    expect(out).toBe('volume copy of 1Gi has the content of data\n');
    expect(created()).toMatchObject({
      name: 'copy',
      size: { requiredBytes: `${GIB}n` },
      capabilities: [{ access: { kind: 'mount', fsType: 'btrfs' } }],
      parameters: { poolClass: 'fast' },
      source: { kind: 'volume', id: fakeVolume(1).id },
    });
  });

  it('clone of a snapshot may be larger, and needs no volume that is still there', async () => {
    lab.state.volumes = [];
    const { out } = await lab.berth(['volume', 'clone', 'before', 'copy', '--size', '5Gi', '--fs', 'xfs']);
    expect(out).toBe('volume copy of 5Gi has the content of before-upgrade\n');
    expect(created()).toMatchObject({
      size: { requiredBytes: `${5n * GIB}n` },
      capabilities: [{ access: { kind: 'mount', fsType: 'xfs' } }],
      source: { kind: 'snapshot', id: lab.state.snapshots[0]!.id },
    });
  });

  it('clone of a raw block volume is one', async () => {
    await lab.berth(['volume', 'clone', 'abcdef', 'copy']);
    expect(created()).toMatchObject({
      capabilities: [{ access: { kind: 'block' } }],
      parameters: { poolClass: 'files', thin: true },
    });
  });

  it('clone refuses a name that is a volume and a snapshot', async () => {
    lab.state.snapshots[0]!.name = 'data';
    expect((await lab.berth(['volume', 'clone', 'data', 'copy'])).err).toMatch(/NAME_AMBIGUOUS: data means several/);
  });

  it('expand takes a new size, or how much is added', async () => {
    expect((await lab.berth(['volume', 'expand', 'data', '3Gi'])).out).toBe('volume data now has 3Gi\n');
    expect((await lab.berth(['volume', 'expand', 'data', '+512Mi'])).out).toBe('volume data now has 3.5Gi\n');
    expect((await lab.berth(['volume', 'expand', 'data', '1Gi'])).out).toBe('volume data keeps its 3.5Gi\n');
  });

  it('snapshot and delete --snapshot', async () => {
    expect((await lab.berth(['volume', 'snapshot', 'logs', 's1'])).out).toBe('snapshot s1 of volume logs is taken\n');
    expect((await lab.berth(['volume', 'delete', '--snapshot', 's1', '--yes'])).out).toBe('snapshot s1 is deleted\n');
    expect(lab.state.snapshots.map(({ name }) => name)).toEqual(['before-upgrade']);
  });

  it('mount and unmount at paths of this folder', async () => {
    const path = join(process.cwd(), 'mnt');
    expect((await lab.berth(['volume', 'mount', 'logs', 'mnt', '--read-only', '-o', 'noatime,nodev'])).out).toBe(
      `volume logs is mounted at ${path}\n`,
    );
    const published = lab.state.calls.find((call) => call.startsWith('publishVolume'))!;
    expect(JSON.parse(published.slice(14))).toMatchObject({
      targetPath: path,
      readOnly: true,
      capability: { access: { mountOptions: ['noatime', 'nodev'] } },
    });
    expect((await lab.berth(['volume', 'unmount', './mnt'])).out).toBe(`volume logs is no longer mounted at ${path}\n`);
    expect(lab.state.volumes[1]!.mounts).toEqual([]);
    await lab.berth(['volume', 'mount', 'logs', 'mnt']);
    expect((await lab.berth(['volume', 'unmount', 'logs', 'mnt'])).code).toBe(0);
    expect(lab.state.volumes[1]!.mounts).toEqual([]);
  });

  it('stats tells what is wrong', async () => {
    lab.state.volumes[0]!.name = 'ill';
    expect((await lab.berth(['volume', 'stats', 'ill'])).out).toContain('DEGRADED: 3 checksum errors');
  });

  it('prints what it did as JSON', async () => {
    for (const command of [
      'create new --size 1Gi',
      'expand data 2Gi',
      'mount data /m',
      'unmount /m',
      'delete data -y',
    ]) {
      const { out } = await lab.berth(['volume', ...command.split(' '), '--json']);
      expect(JSON.parse(out), command).toMatchObject({ pool: 'nvme', class: 'fast' });
    }
    expect(JSON.parse((await lab.berth(['volume', 'snapshot', 'logs', 's', '--json'])).out)).toMatchObject({
      name: 's',
    });
  });
});

describe('what destroys', () => {
  const adopt = 'disk adopt nvme1n1 --pool new --class fast --backend btrfs'.split(' ');
  const destructive = [
    ['volume', 'delete', 'data'],
    ['volume', 'delete', '--snapshot', 'before-upgrade'],
    ['pool', 'import', 'files'],
    [...adopt, '--digest', 'd1'.repeat(32)],
  ];

  it.each(destructive)('is not done without a word: %s %s', async (...args) => {
    const { code, err } = await lab.berth(args);
    expect(code).toBe(2);
    expect(err).toMatch(/^berth: CONFIRMATION_REQUIRED: .* needs a confirmation\n {2}hint: Repeat with --yes\.\n$/);
    expect(lab.state.calls.filter((call) => !call.startsWith('list'))).toEqual([]);
  });

  it.each(destructive)('is not done when a person says no: %s %s', async (...args) => {
    const { code, questions } = await lab.berth(args, { interactive: true, answer: false });
    expect(code).toBe(2);
    expect(questions).toHaveLength(1);
    expect(lab.state.calls.filter((call) => !call.startsWith('list'))).toEqual([]);
  });

  it.each(destructive)('is done when a person says yes, or --yes does: %s %s', async (...args) => {
    expect(await lab.berth(args, { interactive: true, answer: true })).toMatchObject({ code: 0 });
    const other = await openLab(full());
    expect(await other.berth([...args, '--yes'])).toMatchObject({ code: 0, questions: [] });
    await other.close();
  });

  it('asks without letting a name move the cursor', async () => {
    const { questions } = await lab.berth(['volume', 'delete', 'evil'], { interactive: true });
    expect(questions[0]).toContain('evil\\u001b[2J\\u000aname');
    expect((await lab.berth(['volume', 'expand', 'evil', '9Gi'])).out).toContain('evil\\u001b[2J\\u000aname now has');
  });

  it('asks with what there is to lose', async () => {
    const { questions } = await lab.berth(['volume', 'delete', 'data'], { interactive: true });
    expect(questions).toEqual(['Delete volume data of 1Gi in pool nvme and all its data?']);
  });

  it('a disk is adopted as the person sees it now, or as a script was shown it', async () => {
    const shown = await lab.berth(adopt, { interactive: true, answer: true });
    expect(shown.err).toContain('nvme-eui.0025385b71b0a1c2 is free');
    expect(shown.out).toBe('pool new of 100Gi is ready\n');
    expect(lab.state.calls.at(-1)).toContain(`"digest":"${'d1'.repeat(32)}"`);
    const changed = await lab.berth([...adopt, '--digest', 'old', '--yes']);
    expect(changed).toMatchObject({ code: 1, err: expect.stringContaining('DISK_CHANGED') });
  });

  it.each([[{}], [{ interactive: true }]])('a script must say what it was shown', async (terminal) => {
    const { code, err } = await lab.berth([...adopt, '--yes'], terminal);
    expect(code).toBe(2);
    expect(err).toContain('USAGE_INVALID: the option --digest is needed');
  });
});

describe('job', () => {
  it('watch tells each change until all is done', async () => {
    following(lab, [{ doneBytes: 3n * GIB }, { doneBytes: 5n * GIB }, { doneBytes: 10n * GIB, state: 'done' }]);
    const { code, out } = await lab.berth(['job', 'watch']);
    expect(lines(out)).toEqual([
      '7c1e0000: copy 00000001: 30%',
      '7c1e0000: copy 00000001: 50%',
      '7c1e0000: copy 00000001: done',
    ]);
    expect(code).toBe(0);
  });

  it('watch draws bars on a terminal', async () => {
    following(lab, [{ doneBytes: 3n * GIB }, { doneBytes: 10n * GIB, state: 'done' }]);
    const { err, out } = await lab.berth(['job', 'watch'], { live: true });
    expect(out).toBe('');
    expect(err).toContain('copy 00000001  [#######-----------------]  30%  3Gi of 10Gi\n\u001b[1A\u001b[2K');
  });

  it('watch --json prints an array a line', async () => {
    following(lab, [{ doneBytes: 3n * GIB }, { doneBytes: 10n * GIB, state: 'done' }]);
    const { out } = await lab.berth(['job', 'watch', '--json']);
    expect(lines(out).map((line) => JSON.parse(line)[0].state)).toEqual(['running', 'done']);
  });

  it('watch fails with the job', async () => {
    const { code, err } = await lab.berth(['job', 'watch', '8d2f']);
    expect(code).toBe(1);
    expect(err).toMatch(/^berth: JOB_FAILED: free old failed: input\/output error/);
  });

  it('cancel cancels', async () => {
    expect((await lab.berth(['job', 'cancel', '7c1e'])).out).toBe('job 7c1e0000 is being cancelled\n');
    expect(lab.state.jobs[0]!.state).toBe('cancelled');
  });
});

/** Lets the only job go through these changes, one each time that it is looked at. */
function following({ state }: Lab, changes: Partial<Job>[]): void {
  const [first] = state.jobs;
  const steps = changes.map((change) => [{ ...first!, ...change }]);
  Object.defineProperty(state, 'jobs', { get: () => (steps.length > 1 ? steps.shift() : steps[0]) });
}

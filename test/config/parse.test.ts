import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Surroundings } from '../../src/config/defaults.ts';
import { type Config, configJsonSchema, loadConfig, parseConfig } from '../../src/config/index.ts';
import { BerthError } from '../../src/errors.ts';

const machine: Surroundings = { hostname: 'host-1', csiEndpoint: undefined };
const parse = (text: string, other: Partial<Surroundings> = {}): Config =>
  parseConfig(text, 'berth.yaml', { machine: { ...machine, ...other } });

/** The problems told, one a line, without the head line. */
function problems(text: string, other: Partial<Surroundings> = {}): string[] {
  try {
    parse(text, other);
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

const CONTRACT = `
node: { name: n1, zone: z1, region: r1, stateDir: /var/lib/berth }
csi: { endpoint: unix:///run/berth/csi.sock }
admin: { socket: /run/berth/admin.sock }        # the CLI's --socket, or BERTH_SOCKET
http: { listen: 127.0.0.1:9810 }                # /metrics /healthz /readyz
pools:
  - { name: nvme, class: fast, backend: btrfs, reserve: 5%, disks: [{ byId: nvme-Samsung_1 }] }
  - { name: lab, class: lab, backend: btrfs, disks: [{ path: /dev/loop3, allowLoop: true }] }
  - { name: files, class: files, backend: image, directory: /srv/files, overcommit: 1.5 }
`;

describe('a right file', () => {
  it('is read as the contract says', () => {
    expect(parse(CONTRACT)).toEqual({
      node: { name: 'n1', zone: 'z1', region: 'r1', stateDir: '/var/lib/berth' },
      csi: { socket: '/run/berth/csi.sock', defaultDeadlineMs: 60_000 },
      admin: { socket: '/run/berth/admin.sock' },
      http: { host: '127.0.0.1', port: 9810 },
      log: { level: 'info' },
      pools: [
        { ...POOL, name: 'nvme', class: 'fast', disks: [{ byId: 'nvme-Samsung_1' }] },
        { ...POOL, name: 'lab', class: 'lab', disks: [{ path: '/dev/loop3', allowLoop: true }] },
        { ...POOL, name: 'files', class: 'files', backend: 'image', directory: '/srv/files', overcommit: 1.5 },
      ],
    });
  });

  it.each(['', '{}', '# nothing\n', 'node:\npools:\n'])('may leave all to the defaults: %j', (text) => {
    expect(parse(text)).toEqual({
      node: { name: 'host-1', stateDir: '/var/lib/berth' },
      csi: { socket: '/run/berth/csi.sock', defaultDeadlineMs: 60_000 },
      admin: { socket: '/run/berth/admin.sock' },
      http: { host: '127.0.0.1', port: 9810 },
      log: { level: 'info' },
      pools: [],
    });
  });

  it('takes CSI_ENDPOINT unless it names an endpoint itself', () => {
    const csiEndpoint = 'unix:///csi/csi.sock';
    expect(parse('', { csiEndpoint }).csi.socket).toBe('/csi/csi.sock');
    expect(parse('csi: { defaultDeadline: 5s }', { csiEndpoint }).csi).toEqual({
      socket: '/csi/csi.sock',
      defaultDeadlineMs: 5_000,
    });
    expect(parse('csi: { endpoint: /x.sock }', { csiEndpoint }).csi.socket).toBe('/x.sock');
  });

  it.each([
    ['5%', { percent: 5 }],
    ['0.5%', { percent: 0.5 }],
    ['0', { bytes: 0n }],
    ['10Gi', { bytes: 10n << 30n }],
    ['1.5Ti', { bytes: 3n << 39n }],
    ['500M', { bytes: 500_000_000n }],
    ['1073741824', { bytes: 1n << 30n }],
  ])('may reserve %s', (written, reserve) => {
    expect(parse(pool(`reserve: ${written}`)).pools[0]!.reserve).toEqual(reserve);
  });

  it('names a disk in one way however it is written', () => {
    const written = ['byId: ata-X', 'byId: /dev/disk/by-id/ata-X', 'path: /dev/disk/by-id/ata-X'];
    for (const one of written) expect(parse(disks(`{ ${one} }`)).pools[0]!.disks).toEqual([{ byId: 'ata-X' }]);
  });

  it('may say what a disk is like', () => {
    const text = disks('{ serial: "0815", model: M, wwn: w, media: ssd, transport: nvme, minSize: 1Ti, maxSize: 2T }');
    expect(parse(text).pools[0]!.disks).toEqual([
      {
        serial: '0815',
        model: 'M',
        wwn: 'w',
        media: 'ssd',
        transport: 'nvme',
        minSizeBytes: 1n << 40n,
        maxSizeBytes: 2_000_000_000_000n,
      },
    ]);
  });

  it('listens where it is told', () => {
    expect(parse('http: { listen: "[::1]:80" }').http).toEqual({ host: '::1', port: 80 });
    expect(parse('http: { listen: 0.0.0.0:0 }').http).toEqual({ host: '0.0.0.0', port: 0 });
  });

  it('cannot be changed afterwards', () => {
    const config = parse(CONTRACT);
    expect(() => Object.assign(config.pools[0]!.disks![0]!, { byId: 'x' })).toThrow(TypeError);
    expect(() => Object.assign(config, { pools: [] })).toThrow(TypeError);
  });

  it('may have a plain directory in dev mode, and for throwaway volumes that are served', () => {
    const text = 'pools: [{ name: a, class: a, backend: directory, directory: /d }]';
    expect(parseConfig(text, 'x', { machine, mode: 'dev' }).pools[0]!.backend).toBe('directory');
    expect(problems(text)).toEqual([
      'line 1: pools[0].backend: expected btrfs or image: a directory has no size limit and is for throwaway volumes, with shared: true',
    ]);
    const shared = text.replace('/d }', '/d, shared: true }');
    expect(problems(shared)).toEqual(['line 1: pools[0].shared: expected only beside nfs']);
    expect(parseConfig(`${shared}\nnfs: {}`, 'x', { machine }).pools[0]!.shared).toBe(true);
    expect(problems(`${shared.replace('directory, directory: /d', 'btrfs, disks: [{ serial: a }]')}\nnfs: {}`)).toEqual(
      ['line 1: pools[0].shared: expected only for backend directory'],
    );
  });
});

/** What the file says, and what is told about it. */
const WRONG: [string, string | RegExp][] = [
  // Shape
  ['"x"', 'line 1: expected a map, found "x"'],
  ['[]', 'line 1: expected a map, found a list'],
  ['node: 5', 'line 1: node: expected a map, found the number 5'],
  ['pools: {}', 'line 1: pools: expected a list, found a map'],
  ['pools: [nvme]', 'line 1: pools[0]: expected a map, found "nvme"'],
  ['nodes: {}', 'line 1: nodes: not a key that Berth knows; did you mean node?'],
  ['\nnode: { Name: a }', 'line 2: node.Name: not a key that Berth knows; did you mean name?'],
  [
    'telemetry: 1',
    /^line 1: telemetry: not a key that Berth knows; expected one of node, csi, admin, http, log, kubelet, fleet, nfs, pools$/,
  ],
  ['__proto__: { node: 1 }', /^line 1: __proto__: not a key that Berth knows/],
  ['"a b": 1', /^line 1: "a b": not a key/],
  [disks('{ byID: x }'), 'line 1: pools[0].disks[0].byID: not a key that Berth knows; did you mean byId?'],

  // Node and sockets
  ['node: { name: "" }', /node.name: expected text that is not empty/],
  [
    'node: { name: a/b }',
    /node.name: expected at most 63 letters, digits, and inner - _ \. \(a topology value\), found "a\/b"/,
  ],
  [`node: { name: ${'n'.repeat(64)} }`, /node.name: expected at most 63 letters/],
  ['node: { zone: 5 }', 'line 1: node.zone: expected text, found the number 5; put it in quotes'],
  ['node: { region: -r }', /node.region: expected at most 63 letters/],
  ['node: { stateDir: var/lib }', /node.stateDir: expected an absolute path, found "var\/lib"/],
  ['node: { stateDir: /.. }', /node.stateDir: expected a folder below \//],
  ['csi: { endpoint: tcp://1.2.3.4:5 }', /csi.endpoint: expected a unix socket, such as unix:\/\//],
  ['csi: { endpoint: csi.sock }', /csi.endpoint: expected a unix socket/],
  ['csi: { endpoint: unix:///run/ }', /csi.endpoint: expected a unix socket/],
  [
    `csi: { endpoint: unix:///${'c'.repeat(107)} }`,
    /csi.endpoint: expected at most 107 bytes, the limit of a unix socket/,
  ],
  [
    'csi: { defaultDeadline: 5 }',
    'line 1: csi.defaultDeadline: expected a duration such as 500ms, 30s, 2m or 1h, found the number 5',
  ],
  ['csi: { defaultDeadline: 0s }', /csi.defaultDeadline: expected a duration/],
  ['admin: { socket: admin.sock }', /admin.socket: expected the absolute path of a socket/],
  [`admin: { socket: /${'ä'.repeat(54)} }`, /admin.socket: expected at most 107 bytes/],
  ['admin: { socket: /run/berth/csi.sock }', 'line 1: admin.socket: expected another socket than csi.endpoint'],
  [
    'http: { listen: 9810 }',
    /http.listen: expected host:port, such as 127.0.0.1:9810 or \[::1\]:9810, found the number 9810/,
  ],
  ['http: { listen: ":80" }', /http.listen: expected host:port/],
  ['http: { listen: "a:65536" }', /http.listen: expected host:port/],
  ['http: { listen: "::1:80" }', /http.listen: expected host:port/],
  [
    'log: { level: verbose }',
    'line 1: log.level: expected one of trace, debug, info, warn, error, fatal, silent, found "verbose"',
  ],

  // Pools
  [
    pool('name: Nvme'),
    /pools\[0\].name: expected lower-case letters, digits and inner hyphens \(a DNS label\), found "Nvme"/,
  ],
  [pool('class: a_b'), /pools\[0\].class: expected lower-case letters/],
  [pool('backend: lvm'), 'line 1: pools[0].backend: expected one of btrfs, image, directory, found "lvm"'],
  [
    pool('reserve: 100%'),
    /pools\[0\].reserve: expected a share below 100% such as 5%, or a size such as 10Gi, found "100%"/,
  ],
  [pool('reserve: -1'), /pools\[0\].reserve: expected a share/],
  [pool('reserve: 5Q'), /pools\[0\].reserve: expected a share/],
  [pool('reserve: 1e99'), /pools\[0\].reserve: expected a share/],
  [pool('reserve: 9007199254740993'), /pools\[0\].reserve: expected a share/],
  [pool('overcommit: 0.9'), 'line 1: pools[0].overcommit: expected 1 or more, found the number 0.9'],
  [pool('overcommit: .nan'), /pools\[0\].overcommit: expected a number/],
  [pool('overcommit: .inf'), /pools\[0\].overcommit: expected/],
  [pool('overcommit: "2"'), 'line 1: pools[0].overcommit: expected a number, found "2"'],
  [pool('quota: none'), 'line 1: pools[0].quota: expected one of qgroup, simple, found "none"'],
  [pool('fsType: ext4'), 'line 1: pools[0].fsType: expected only for backend image'],
  [pool('backend: image, quota: simple'), 'line 1: pools[0].quota: expected only for backend btrfs'],
  [pool('directory: /'), /pools\[0\].directory: expected a folder below \//],
  ['pools: [{ name: a, class: a, backend: btrfs }]', 'line 1: pools[0]: expected disks or directory, found neither'],
  [pool('disks: [{ byId: x }]'), 'line 1: pools[0].directory: expected disks or directory, found both'],
  [disks(''), /pools\[0\].disks: expected at least one disk/],
  ['pools: [{}]', 'line 1: pools[0].name: expected text, found nothing'],

  // Several disks
  [
    disks('{ byId: a }, { byId: b }'),
    'line 1: pools[0].profile: expected single, raid0, raid1 or raid10, since there are 2 disks',
  ],
  [disks('{ byId: a }', 'profile: raid1'), 'line 1: pools[0].profile: raid1 needs 2 disks, found 1'],
  [
    disks('{ byId: a }, { byId: b }', 'backend: image'),
    'line 1: pools[0].disks: expected one disk for backend image, found 2',
  ],
  [disks('{ byId: a }', 'profile: raid5'), /pools\[0\].profile: expected one of single, raid0, raid1, raid10/],

  // Selectors
  [disks('{}'), /pools\[0\].disks\[0\]: expected at least one of byId, path, serial/],
  [disks('{ allowLoop: true }'), /pools\[0\].disks\[0\]: expected at least one of/],
  [disks('{ byId: a/b }'), /disks\[0\].byId: expected the name of a link in \/dev\/disk\/by-id\//],
  [disks('{ byId: .. }'), /disks\[0\].byId: expected the name of a link/],
  [
    disks('{ serial: 0815 }'),
    'line 1: pools[0].disks[0].serial: expected text, found the number 815; put it in quotes',
  ],
  ...['sda', 'sdb1', 'vda', 'xvdf', 'nvme0n1', 'nvme0n1p2', 'mmcblk0', 'dm-0', 'md127'].map(
    (name): [string, RegExp] => [
      disks(`{ path: /dev/${name} }`),
      new RegExp(
        `disks\\[0\\].path: expected a stable name: the kernel may give /dev/${name} to another disk at the next start`,
      ),
    ],
  ),
  [disks('{ path: /dev/mapper/x }'), /disks\[0\].path: expected a link in \/dev\/disk\/by-id\/, or a loop device/],
  [disks('{ path: /dev/disk/by-id/../../sda }'), /disks\[0\].path: expected a link/],
  [
    disks('{ path: /dev/loop3 }'),
    /disks\[0\].path: a loop device is for tests and trials; expected allowLoop: true beside it/,
  ],
  [disks('{ path: /dev/loop3, allowLoop: false }'), /disks\[0\].path: a loop device is for tests/],
  [disks('{ byId: x, allowLoop: true }'), /disks\[0\].allowLoop: expected only beside the path of a loop device/],
  [disks('{ byId: x, path: /dev/disk/by-id/y }'), /disks\[0\].path: expected path or byId, found both/],
  [disks('{ media: floppy }'), /disks\[0\].media: expected one of ssd, hdd, found "floppy"/],
  [disks('{ transport: SATA }'), /disks\[0\].transport: expected one of nvme, sata/],
  [disks('{ minSize: big }'), /disks\[0\].minSize: expected a size such as 10Gi/],
  [disks('{ minSize: 2Ti, maxSize: 1Ti }'), 'line 1: pools[0].disks[0].maxSize: expected at least minSize'],

  // Twice
  [
    `pools:\n${['a', 'b', 'a'].map((name) => `  - { name: ${name}, class: c, backend: image, directory: /${name} }`).join('\n')}`,
    'line 4: pools[2].name: expected a name of its own; pools[0] is a, too',
  ],
  [
    twice('disks: [{ byId: x }]', 'disks: [{ path: /dev/disk/by-id/x }]'),
    'line 3: pools[1].disks[0]: expected a disk of its own; pools[0].disks[0] selects the same',
  ],
  [
    twice('disks: [{ media: ssd, minSize: 1T }]', 'disks: [{ minSize: 1T, media: ssd }]'),
    /pools\[1\].disks\[0\]: expected a disk of its own/,
  ],
  [
    twice('directory: /a', 'directory: /a/'),
    'line 3: pools[1].directory: expected a folder of its own; pools[0] is in /a/',
  ],
  [twice('directory: /a/b', 'directory: /x/../a'), /pools\[1\].directory: expected a folder of its own/],

  // YAML
  ['a: b: c', /^line 1: not valid YAML: /],
  ['node: {}\nnode: {}', 'line 2: not valid YAML: Map keys must be unique'],
  ['--- {}\n--- {}', 'line 2: expected one document'],
  ['node: !secret x', /^line 1: not valid YAML: Unresolved tag/],
  ['a: &a [*a]', /^not valid YAML: /],
  ['['.repeat(20_000), /not valid YAML/],
  [
    'a: &a [1,2,3,4,5,6,7,8,9]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c]',
    /Excessive alias count/,
  ],
];

describe('a wrong file', () => {
  it.each(WRONG)('is explained: %s', (text, expected) => {
    const told = problems(text);
    const match = (line: string) => (typeof expected === 'string' ? line === expected : expected.test(line));
    expect(told.find(match), `told was:\n${told.join('\n')}`).toBeDefined();
  });

  it('is told no more than once for one mistake', () => {
    const single = WRONG.filter(([text]) => /reserve|overcommit|allowLoop|csi:|http:/.test(text));
    for (const [text] of single.filter(([one]) => !one.includes('overcommit: .')))
      expect(problems(text), text).toHaveLength(1);
  });

  it('is told everything at once, in the order of its lines', () => {
    const told = problems(`csi: { endpoint: tcp://x }
log: { level: loud }
pools:
  - { name: a, class: A, backend: btrfs, disks: [{ path: /dev/sda }, { path: /dev/loop1 }] }
  - { name: a, backend: image, directory: d, colour: red }
`);
    expect(told.map((line) => line.split(': ').slice(0, 2).join(': '))).toEqual([
      'line 1: csi.endpoint',
      'line 2: log.level',
      'line 4: pools[0].class',
      'line 4: pools[0].disks[0].path',
      'line 4: pools[0].profile',
      'line 4: pools[0].disks[1].path',
      'line 5: pools[1].class',
      'line 5: pools[1].directory',
      'line 5: pools[1].colour',
      'line 5: pools[1].name',
    ]);
  });

  it('names the host when its name is not usable', () => {
    expect(problems('', { hostname: 'my host' })).toEqual([
      expect.stringMatching(
        /^line 1: node.name: expected at most 63 letters, .*found "my host"$|^node.name: expected at most 63 letters/,
      ),
    ]);
  });

  it('names CSI_ENDPOINT when that is wrong', () => {
    expect(problems('', { csiEndpoint: 'tcp://1' })[0]).toMatch(
      /csi.endpoint: expected a unix socket.*found "tcp:\/\/1"/,
    );
  });

  it('is told when it cannot be read', () => {
    expect(() => loadConfig('/does/not/exist.yaml')).toThrow(
      /exist.yaml has 1 problem\(s\):\n {2}cannot be read: ENOENT/,
    );
    expect(() => loadConfig('/')).toThrow(/cannot be read: EISDIR/);
  });

  it('never throws anything else, whatever it holds', () => {
    const words = [
      'pools:',
      ' - ',
      '{',
      '}',
      '[',
      ']',
      ': ',
      'name',
      'disks',
      '&a ',
      '*a',
      '!!int ',
      '"',
      "'",
      '\n',
      '  ',
      '? ',
      '|',
      '%',
      '9',
      '~',
      '\0',
      '<<',
    ];
    const check = (text: string) => {
      try {
        parse(text);
      } catch (error) {
        if (!(error instanceof BerthError) || error.code !== 'CONFIG_INVALID') throw error;
      }
    };
    assert(property(string({ unit: constantFrom(...words), maxLength: 40 }), check), { numRuns: 500 });
    assert(property(string({ unit: 'binary', maxLength: 60 }), (text) => check(`pools: [{ name: ${text} }]`)));
  });
});

describe('loadConfig', () => {
  it('reads a file', () => {
    const dir = mkdtempSync(join(tmpdir(), 'berth-config-'));
    try {
      writeFileSync(join(dir, 'c.yaml'), CONTRACT);
      expect(loadConfig(join(dir, 'c.yaml')).pools).toHaveLength(3);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('the JSON schema', () => {
  const schema = configJsonSchema() as {
    properties: Record<string, { properties?: object; items?: { required: string[] } }>;
  };

  it('has every section, requires nothing but what a pool must have, and gives no host name away', () => {
    expect(Object.keys(schema.properties)).toEqual([
      'node',
      'csi',
      'admin',
      'http',
      'log',
      'kubelet',
      'fleet',
      'nfs',
      'pools',
    ]);
    expect(JSON.stringify(schema).match(/"required"/g)).toHaveLength(2);
    expect(schema.properties['fleet']).toMatchObject({ required: ['controller', 'caFile', 'tokenFile'] });
    expect(schema.properties['pools']!.items!.required).toEqual(['name', 'class', 'backend']);
    expect(schema.properties['node']!.properties).toMatchObject({ name: { type: 'string' } });
  });

  it('describes every key', () => {
    const undescribed = (node: unknown, path: string): string[] => {
      if (typeof node !== 'object' || node === null) return [];
      const { properties = {}, items } = node as {
        properties?: Record<string, { description?: string; properties?: object }>;
        items?: unknown;
      };
      const own = Object.entries(properties).flatMap(([key, value]) => [
        ...(value.description === undefined && value.properties === undefined ? [`${path}.${key}`] : []),
        ...undescribed(value, `${path}.${key}`),
      ]);
      return [...own, ...undescribed(items, `${path}[]`)];
    };
    expect(undescribed(schema, '')).toEqual([]);
  });
});

const POOL = {
  shared: false,
  backend: 'btrfs',
  reserve: { percent: 5 },
  overcommit: 1,
  profile: 'single',
  quota: 'qgroup',
  fsType: undefined,
};

/** A file with one pool in a directory; `keys` override what it has. */
function pool(keys: string): string {
  const given = keys.split(', ').map((key) => key.split(':')[0]);
  const base = ['name: a', 'class: a', 'backend: btrfs', 'directory: /a'].filter(
    (key) => !given.includes(key.split(':')[0]),
  );
  return `pools: [{ ${[...base, keys].join(', ')} }]`;
}

/** A file with one pool on these disks. */
function disks(selectors: string, keys = 'backend: btrfs'): string {
  const backend = keys.includes('backend') ? '' : 'backend: btrfs, ';
  return `pools: [{ name: a, class: a, ${backend}${keys}, disks: [${selectors}] }]`;
}

function twice(first: string, second: string): string {
  const line = (name: string, keys: string) => `  - { name: ${name}, class: c, backend: btrfs, ${keys} }`;
  return `pools:\n${line('a', first)}\n${line('b', second)}`;
}

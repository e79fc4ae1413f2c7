import type { RecordedDevice, RecordedMachine } from '../../src/disks/recorded.ts';

/** A recorded machine, built device by device. The first disk is what it boots from. */
export interface FakeMachine {
  machine: RecordedMachine;
  disk(name: string, options?: DiskOptions): FakeMachine;
  partition(disk: string, number: number, options?: DiskOptions): FakeMachine;
  /** Adds a line to PID 1's mount table. */
  mount(device: string, point: string, fsType?: string, source?: string): FakeMachine;
  swap(path: string): FakeMachine;
  /** Writes or, with undefined, removes a file of sysfs below the device's folder. */
  sys(name: string, file: string, text: string | undefined): FakeMachine;
  remove(root: 'sys' | 'proc' | 'udev', path: string): FakeMachine;
}

export interface DiskOptions {
  sizeBytes?: number;
  /** Below /sys/devices, without `block/NAME`. */
  at?: string;
  sys?: Record<string, string>;
  udev?: Record<string, string> | undefined;
  links?: string[];
  device?: Partial<RecordedDevice>;
}

const GIB = 2 ** 30;
const EMPTY = { exitCode: 2, stdout: '', stderr: '' };

/** What `blkid -p -o udev` prints. */
export const blkidFound = (tags: Record<string, string>) => ({
  exitCode: 0,
  stdout: Object.entries(tags)
    .map(([key, value]) => `${key}=${value}\n`)
    .join(''),
  stderr: '',
});

export function fakeMachine(): FakeMachine {
  const machine: RecordedMachine = {
    files: {
      sys: {},
      proc: { '1/mountinfo': '', 'self/mountinfo': '', swaps: 'Filename\tType\tSize\tUsed\tPriority\n' },
      udev: {},
    },
    links: { sys: {}, proc: { self: '4242' }, udev: {} },
    devices: {},
  };
  let minor = 0;
  let mountId = 20;
  const { sys, udev, proc } = machine.files;

  const add = (name: string, folder: string, number: string, options: DiskOptions): void => {
    const { sizeBytes = 100 * GIB } = options;
    const own = `class/block/${name}`;
    machine.links.sys[own] = `../../devices/${folder}`;
    const files = { dev: number, size: String(sizeBytes / 512), ro: '0', hidden: '0', ...options.sys };
    for (const [file, text] of Object.entries(files)) sys[`${own}/${file}`] = `${text}\n`;
    if (!('udev' in options) || options.udev !== undefined) {
      const links = (options.links ?? []).map((link) => `S:${link}\n`);
      const properties = Object.entries(options.udev ?? {}).map(([key, value]) => `E:${key}=${value}\n`);
      udev[`data/b${number}`] = `${links.join('')}I:1234567\n${properties.join('')}G:systemd\nV:1\n`;
    }
    machine.devices[`/dev/${name.replaceAll('!', '/')}`] = { number, sizeBytes, probe: EMPTY, ...options.device };
  };

  const self: FakeMachine = {
    machine,
    disk(name, options = {}) {
      const at = options.at ?? `pci0000:00/0000:00:1f.2/ata${minor / 16 + 1}/host0/target0:0:0/0:0:0:0`;
      const wwn = `naa.5000c500${(0x10000000 + minor).toString(16)}`;
      const hardware = {
        removable: '0',
        'queue/rotational': '0',
        'device/model': 'Fake disk',
        'device/vendor': 'ATA',
        'device/wwid': wwn,
        'device/serial': `S${minor}`,
        'device/state': 'running',
      };
      add(name, `${at}/block/${name}`, `8:${minor}`, { ...options, sys: { ...hardware, ...options.sys } });
      minor += 16;
      return self;
    },
    partition(disk, number, options = {}) {
      const name = /\d$/.test(disk) ? `${disk}p${number}` : `${disk}${number}`;
      const own = machine.links.sys[`class/block/${disk}`]!.replace('../../devices/', '');
      const [major, first] = sys[`class/block/${disk}/dev`]!.trim().split(':').map(Number);
      const entry = {
        ID_PART_ENTRY_SCHEME: 'gpt',
        ID_PART_ENTRY_UUID: `00000000-0000-4000-8000-${String(first! * 100 + number).padStart(12, '0')}`,
        ID_PART_ENTRY_TYPE: '0fc63daf-8483-4772-8e79-3d69d8477de4',
        ID_PART_ENTRY_NUMBER: String(number),
      };
      const options2 = {
        sizeBytes: 10 * GIB,
        ...options,
        sys: { partition: String(number), ...options.sys },
        device: { probe: blkidFound(entry), ...options.device },
      };
      add(name, `${own}/${name}`, `${major}:${first! + number}`, options2);
      return self;
    },
    mount(device, point, fsType = 'ext4', source = '/dev/root') {
      proc['1/mountinfo'] += `${++mountId} 1 ${device} / ${point} rw,relatime shared:1 - ${fsType} ${source} rw\n`;
      return self;
    },
    swap(path) {
      proc['swaps'] += `${path}                               partition\t8388604\t0\t-2\n`;
      return self;
    },
    sys(name, file, text) {
      if (text === undefined) delete sys[`class/block/${name}/${file}`];
      else sys[`class/block/${name}/${file}`] = `${text}\n`;
      return self;
    },
    remove(root, path) {
      for (const key of Object.keys(machine.files[root])) {
        if (key === path || key.startsWith(`${path}/`)) delete machine.files[root][key];
      }
      return self;
    },
  };
  return self;
}

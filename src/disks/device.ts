import { basename, dirname, join } from 'node:path';
import { kindOf } from './kinds.ts';
import { decodeProperty, parseUdevEntry } from './properties.ts';
import type { DiskSnapshot, Tags } from './snapshot.ts';
import type { DiskSources } from './sources.ts';

const SECTOR_BYTES = 512n; // the unit of `size` in sysfs, whatever the device's own is

/** What sysfs and the udev database say about one device. */
export type DeviceFacts = Omit<
  DiskSnapshot,
  | 'partitions'
  | 'btrfs'
  | 'mountsFrom'
  | 'mounts'
  | 'mountCount'
  | 'swap'
  | 'backs'
  | 'content'
  | 'exclusive'
  | 'head'
  | 'tail'
  | 'headers'
>;

/** Reads one device; undefined for what went away meanwhile and for loop devices with nothing attached. */
export function readDevice(sources: DiskSources, name: string): DeviceFacts | undefined {
  const problems: string[] = [];
  const folder = `class/block/${name}`;
  const attribute = (file: string): string | undefined => {
    try {
      return printable(sources.readText('sys', `${folder}/${file}`));
    } catch (error) {
      problems.push(`sysfs ${file}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const names = (file: string): string[] => (sources.list('sys', `${folder}/${file}`) ?? []).sort();
  const required = (file: string, pattern: RegExp): string | undefined => {
    const value = attribute(file);
    if (value !== undefined && pattern.test(value)) return value;
    problems.push(`sysfs ${file} ${value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`}`);
    return undefined;
  };

  const target = sources.linkTarget('sys', folder);
  if (target === undefined) return undefined;
  const sysPath = join('/class/block', target);
  const partition = attribute('partition');
  const kind = partition === undefined ? kindOf(name) : 'partition';
  const loop = kind === 'loop' ? readLoop(attribute) : undefined;
  if (kind === 'loop' && loop === undefined) return undefined;

  const number = required('dev', /^\d+:\d+$/) ?? '';
  const size = required('size', /^\d+$/);
  const path = join(sources.devRoot, name.replaceAll('!', '/'));
  const rotational = attribute('queue/rotational');
  const udev = readUdev(sources, number, problems);
  return {
    name,
    path,
    number,
    nodeNumber: sources.nodeNumber(path),
    kind,
    parent: kind === 'partition' ? basename(dirname(sysPath)) : undefined,
    partitionNumber: partition === undefined ? undefined : Number(partition),
    sizeBytes: BigInt(size ?? 0) * SECTOR_BYTES,
    readOnly: required('ro', /^[01]$/) !== '0',
    removable: attribute('removable') === '1',
    hidden: attribute('hidden') === '1',
    rotational: rotational === undefined ? undefined : rotational === '1',
    sysPath,
    ...(kind === 'partition' ? {} : readHardware(sources, name, folder, attribute, udev.tags)),
    holders: names('holders'),
    slaves: names('slaves'),
    dm: kind === 'dm' ? readDm(attribute) : undefined,
    loop,
    udevState: udev.state,
    udev: udev.tags,
    links: udev.links,
    problems,
  };
}

type Attribute = (file: string) => string | undefined;

function readLoop(attribute: Attribute): DeviceFacts['loop'] {
  const backingFile = attribute('loop/backing_file');
  if (backingFile === undefined || backingFile === '') return undefined;
  const offset = attribute('loop/offset');
  return { backingFile, offsetBytes: /^\d+$/.test(offset ?? '') ? BigInt(offset!) : 0n };
}

const readDm = (attribute: Attribute): DeviceFacts['dm'] => ({
  uuid: attribute('dm/uuid') ?? '',
  name: attribute('dm/name') ?? '',
  suspended: attribute('dm/suspended') !== '0',
});

/** SCSI cuts the model in sysfs after 16 letters, so udev's goes first, save for NVMe. */
function readHardware(
  sources: DiskSources,
  name: string,
  folder: string,
  attribute: Attribute,
  udev: Tags,
): Pick<DeviceFacts, 'model' | 'vendor' | 'serial' | 'wwn' | 'deviceState' | 'nvmeTransport'> {
  const nvme = name.startsWith('nvme');
  const udevModel = udev['ID_MODEL_ENC'] === undefined ? udev['ID_MODEL'] : decodeProperty(udev['ID_MODEL_ENC']);
  const sysModel = attribute('device/model');
  return {
    model: nonEmpty(nvme ? (sysModel ?? udevModel) : (udevModel ?? sysModel)),
    vendor: nonEmpty(attribute('device/vendor')?.replace(/^0x[0-9a-f]{4}$/i, '') || udev['ID_VENDOR']),
    serial: nonEmpty(attribute('device/serial') ?? attribute('serial') ?? udev['ID_SERIAL_SHORT']),
    wwn: nonEmpty(attribute('wwid') ?? attribute('device/wwid') ?? udev['ID_WWN_WITH_EXTENSION'] ?? udev['ID_WWN']),
    deviceState: nonEmpty(attribute('device/state')),
    nvmeTransport: nvme ? readNvmeTransport(sources, folder, attribute) : undefined,
  };
}

/** The namespace of a multipath subsystem has several controllers; one beyond a network is enough to tell. */
function readNvmeTransport(sources: DiskSources, folder: string, attribute: Attribute): string | undefined {
  const own = attribute('device/transport');
  if (own !== undefined) return own;
  const controllers = (sources.list('sys', `${folder}/device`) ?? []).filter((entry) => /^nvme\d+$/.test(entry));
  const transports = controllers.map((controller) => attribute(`device/${controller}/transport`));
  return transports.find((transport) => transport !== 'pcie') ?? transports[0];
}

function readUdev(
  sources: DiskSources,
  number: string,
  problems: string[],
): { state: DiskSnapshot['udevState']; links: string[]; tags: Tags } {
  try {
    const text = sources.readText('udev', `data/b${number}`);
    if (text !== undefined) return { state: 'read', ...parseUdevEntry(text) };
    const database = sources.list('udev', 'data');
    return { state: database === undefined ? 'absent' : 'no-entry', links: [], tags: {} };
  } catch (error) {
    problems.push(`udev database: ${(error as Error).message}`);
    return { state: 'no-entry', links: [], tags: {} };
  }
}

const nonEmpty = (text: string | undefined): string | undefined => {
  const trimmed = text?.replaceAll('\0', '').trim().replace(/\s+/g, ' ');
  return trimmed === '' ? undefined : trimmed;
};

/** Vendors put anything into these; what is no text must not reach a terminal. */
const printable = (text: string | undefined): string | undefined =>
  text?.trim().replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?');

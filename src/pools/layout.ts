import { closeSync, constants, type Dirent, mkdirSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../host/libc.ts';
import type { Place } from './backend.ts';
import type { ObjectRow } from './ledger.ts';

/**
 * The folders of a pool. What is being made lives in `staging` until the ledger has it for good, so anything there
 * without a ready row is an unfinished create; what is being freed lives in `trash`.
 */
const folders = {
  staging: '.berth/staging',
  trash: '.berth/trash',
  volumes: 'volumes',
  snapshots: 'snapshots',
} as const;

export type Folder = keyof typeof folders;

export interface Layout {
  /** The pool's directory, open. */
  rootFd: number;
  ledgerPath: string;
  place(folder: Folder, name: string): Place;
  entries(folder: Folder): string[];
  close(): void;
}

/** The folder that a ready object lives in. */
export const homeOf = (kind: ObjectRow['kind']): Folder => (kind === 'volume' ? 'volumes' : 'snapshots');

/** The token in a file name: uuid and generation. */
export const entryName = (row: Pick<ObjectRow, 'uuid' | 'generation'>, suffix: string): string =>
  `${row.uuid}.${row.generation}${suffix}`;

const TOKEN = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d{1,15})$/;

/** The reverse of `entryName`; undefined for a name that Berth has not given. */
export function parseEntryName(name: string, suffix: string): Pick<ObjectRow, 'uuid' | 'generation'> | undefined {
  const [, uuid, generation] = (name.endsWith(suffix) && TOKEN.exec(name.slice(0, name.length - suffix.length))) || [];
  return uuid === undefined ? undefined : { uuid, generation: Number(generation) };
}

/** Whether Berth has used this directory before. */
export function isPoolDirectory(path: string): boolean {
  try {
    return readdirSync(join(path, '.berth')).includes('ledger.db');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** What is in the directory besides what every new file system has and what a first start leaves when cut short. */
export const foreignEntries = (path: string): string[] =>
  readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.name !== 'lost+found' && entry.name !== '.berth' && !isUnusedFolder(path, entry))
    .map(({ name }) => name);

const isUnusedFolder = (path: string, entry: Dirent): boolean =>
  (entry.name === folders.volumes || entry.name === folders.snapshots) &&
  entry.isDirectory() &&
  readdirSync(join(path, entry.name)).length === 0;

/** Opens a pool's folders, making those that are missing. Only root can look inside. */
export function openLayout(path: string): Layout {
  const openDirectory = (directory: string): number => openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  mkdirSync(join(path, '.berth'), { recursive: true, mode: 0o700 });
  const open = Object.fromEntries(
    Object.entries(folders).map(([folder, relative]) => {
      const dirPath = join(path, relative);
      mkdirSync(dirPath, { recursive: true, mode: 0o700 });
      return [folder, { dirPath, dirFd: openDirectory(dirPath) }];
    }),
  ) as Record<Folder, { dirPath: string; dirFd: number }>;
  const rootFd = openDirectory(path);
  return {
    rootFd,
    ledgerPath: join(path, '.berth', 'ledger.db'),
    place: (folder, name) => ({ ...open[folder], name }),
    entries: (folder) => readdirSync(open[folder].dirPath),
    close() {
      for (const { dirFd } of Object.values(open)) closeSync(dirFd);
      closeSync(rootFd);
    },
  };
}

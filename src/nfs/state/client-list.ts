import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '../../host/libc.ts';

const FILE = 'nfs-clients.json';

/**
 * The clients that may have state, on the disk: only they may reclaim after a restart, so that nobody gets back a lock
 * which somebody else was given meanwhile (RFC 8881 8.4.2.1).
 */
export interface ClientList {
  /** Names this server, the same after a restart: clients reclaim only from the server that they had state of. */
  readonly serverId: string;
  /** Those that the list held when it was opened. */
  readonly before: ReadonlySet<string>;
  has(owner: string): boolean;
  /** Resolves when the client is on the disk. */
  add(owner: string): Promise<void>;
  remove(owner: string): void;
  /** Waits for what is being written. */
  flush(): Promise<void>;
}

interface Content {
  serverId: string;
  clients: string[];
}

/** A list that cannot be understood counts as empty: clients then lose their locks and are told so. */
function load(path: string): Content {
  const empty = { serverId: randomUUID(), clients: [] };
  try {
    const { serverId, clients } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<keyof Content, unknown>>;
    if (typeof serverId !== 'string' || !Array.isArray(clients)) return empty;
    return { serverId, clients: clients.filter((owner) => typeof owner === 'string') };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || error instanceof SyntaxError) return empty;
    throw error;
  }
}

export function openClientList(stateDir: string): ClientList {
  const path = join(stateDir, FILE);
  const { serverId, clients } = load(path);
  const owners = new Set(clients);
  const before = new Set(owners);
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const text = (): string => JSON.stringify({ serverId, clients: [...owners] });
  // That the folder can be written is found out now and not at the first client.
  const fd = openSync(`${path}.new`, 'w', 0o600);
  writeSync(fd, text());
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${path}.new`, path);

  const write = async (): Promise<void> => {
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(text());
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  };
  /** One write serves all changes that were made before it began. */
  const save = (): Promise<void> => {
    if (writing === undefined) {
      writing = write().finally(() => {
        writing = undefined;
      });
      return writing;
    }
    next ??= writing
      .catch(() => {})
      .then(() => {
        next = undefined;
        return save();
      });
    return next;
  };

  return {
    serverId,
    before,
    has: (owner) => owners.has(owner),
    async add(owner) {
      if (!owners.has(owner)) owners.add(owner);
      else if (writing === undefined) return;
      await save();
    },
    remove(owner) {
      if (owners.delete(owner)) void save().catch(() => {});
    },
    async flush() {
      await next;
      await writing;
    },
  };
}

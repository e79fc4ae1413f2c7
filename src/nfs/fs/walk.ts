import * as calls from './calls.ts';
import { type DirectoryCache, isAbsence } from './directory-cache.ts';
import { toFileStat } from './file-stat.ts';
import { pathBelow, pathOf } from './names.ts';
import { type FileNode, isDirectory } from './node.ts';
import type { Volume } from './volume.ts';

const AT_ONCE = 16;
let walks = 0;

/**
 * Looks at every file of a volume, so that the index knows where each is. Directories that are moved to where the walk
 * has been already are walked as well, since whoever moves one admits it.
 */
export async function walkVolume(volume: Volume, directories: DirectoryCache): Promise<void> {
  walks += 1;
  const number = walks;
  const queue: FileNode[] = [volume.root];
  const enqueue = (node: FileNode): void => {
    if (node.walked !== number) queue.push(node);
  };
  const previous = volume.onDirectory;
  volume.onDirectory = enqueue;
  try {
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if (node.walked === number || volume.removed) continue;
      node.walked = number;
      await readDirectory(node, directories, enqueue);
    }
  } finally {
    volume.onDirectory = previous;
  }
}

async function readDirectory(
  directory: FileNode,
  directories: DirectoryCache,
  enqueue: (node: FileNode) => void,
): Promise<void> {
  const { volume } = directory;
  await directories.use(directory, async (fd) => {
    const names = await calls.readdir(pathOf(fd)).catch(() => []);
    const look = async (): Promise<void> => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        try {
          const stat = toFileStat(await calls.lstat(pathBelow(fd, name)));
          if (stat.device !== volume.device) continue;
          const node = volume.admit(stat, directory, name);
          if (isDirectory(node)) enqueue(node);
        } catch (error) {
          if (!isAbsence(error)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, look));
  });
}

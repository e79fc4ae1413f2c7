import * as z from 'zod';
import { quantity, text } from './scalars.ts';

export const BY_ID = '/dev/disk/by-id/';
const LOOP = /^\/dev\/loop\d+$/;
const KERNEL_NAME = /^\/dev\/((sd|hd|vd|xvd)[a-z]+\d*|(nvme|mmcblk|nbd|zram|ram|md|dm-|rbd)\S*)$/;

const diskPath = text.superRefine((path, context) => {
  const problem = pathProblem(path);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

function pathProblem(path: string): string | undefined {
  if (LOOP.test(path)) return undefined;
  if (KERNEL_NAME.test(path)) {
    return `expected a stable name: the kernel may give ${path} to another disk at the next start; use byId (see \`berth disk list\`)`;
  }
  const inById = path.startsWith(BY_ID) && isLinkName(path.slice(BY_ID.length));
  return inById ? undefined : `expected a link in ${BY_ID}, or a loop device with allowLoop: true`;
}

const isLinkName = (name: string): boolean => /^[^/\s]+$/.test(name) && name !== '.' && name !== '..';

/** One disk; what is set must all match. Rules that span several keys are in checks.ts. */
export const diskSelector = z.strictObject({
  byId: text
    .transform((name) => (name.startsWith(BY_ID) ? name.slice(BY_ID.length) : name))
    .refine(isLinkName, `expected the name of a link in ${BY_ID}`)
    .optional()
    .describe('The name of a link in /dev/disk/by-id.'),
  path: diskPath.optional().describe('A link in /dev/disk/by-id, or a loop device with allowLoop.'),
  allowLoop: z.boolean().optional().describe('Lets path name a loop device. For tests and trials.'),
  serial: text.optional().describe('The serial number, exactly.'),
  model: text.optional().describe('The model, exactly.'),
  wwn: text.optional().describe('The world wide name, exactly.'),
  media: z.enum(['ssd', 'hdd']).optional().describe('What the disk is made of.'),
  transport: z
    .enum(['nvme', 'sata', 'sas', 'scsi', 'usb', 'virtio', 'mmc'])
    .optional()
    .describe('How it is connected.'),
  minSize: quantity.optional().describe('At least this many bytes.'),
  maxSize: quantity.optional().describe('At most this many bytes.'),
});

export type ParsedSelector = z.output<typeof diskSelector>;

/** The selector's disk under one name whichever way it is written, to find a disk that is named twice. */
export function selectorKey(selector: Record<string, unknown>): string {
  const { path, byId } = selector;
  if (typeof byId === 'string') return `byId ${byId.replace(BY_ID, '')}`;
  if (typeof path === 'string') return path.startsWith(BY_ID) ? `byId ${path.slice(BY_ID.length)}` : path;
  return JSON.stringify(Object.entries(selector).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const isLoopPath = (path: unknown): boolean => typeof path === 'string' && LOOP.test(path);

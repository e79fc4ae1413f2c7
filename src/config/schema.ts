import * as z from 'zod';
import { cidr, endpoint, folder, hostAndPort, listenAddress, socketPath, topologyValue } from './addresses.ts';
import { diskSelector } from './disk-selector.ts';
import { duration, quantity, text } from './scalars.ts';
import type { Reserve } from './types.ts';

/** RFC 1123 label, as Kubernetes uses it for names. */
const label = text
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'expected lower-case letters, digits and inner hyphens (a DNS label)')
  .max(63, 'expected at most 63 characters');

const reserve = z
  .union([text, z.number()], 'expected a share such as 5% or a size such as 10Gi')
  .transform((value, context): Reserve => {
    const percent = /^(\d{1,2}(?:\.\d+)?)%$/.exec(String(value))?.[1];
    if (percent !== undefined) return { percent: Number(percent) };
    const bytes = quantity.safeParse(value);
    if (bytes.success) return { bytes: bytes.data };
    context.addIssue({ code: 'custom', message: 'expected a share below 100% such as 5%, or a size such as 10Gi' });
    return z.NEVER;
  });

export const log = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info')
      .describe('Log level.'),
  })
  .prefault({});

const pool = z.strictObject({
  name: label.describe('The name that logs, metrics and the command line use. Unique on the node.'),
  class: label.describe('The class that a StorageClass names with poolClass. Several pools may share one.'),
  backend: z
    .enum(['btrfs', 'image', 'directory'])
    .describe(
      'How volumes are made: a btrfs subvolume, or an image file. A directory has no size limit and is for throwaway volumes only.',
    ),
  disks: z.array(diskSelector).min(1, 'expected at least one disk').optional().describe('One selector for each disk.'),
  directory: folder.optional().describe('A folder on a file system that exists, instead of disks.'),
  shared: z
    .boolean()
    .default(false)
    .describe('Volumes are throwaway ones, and may be used from several nodes at once, by NFS.'),
  reserve: reserve
    .default({ percent: 5 })
    .describe('Kept free from volumes: a share such as 5% or a size such as 10Gi.'),
  overcommit: z
    .number()
    .min(1, 'expected 1 or more')
    .max(100, 'expected at most 100')
    .default(1)
    .describe('Bytes that may be promised for each byte that is there. 1 means that every byte is guaranteed.'),
  profile: z
    .enum(['single', 'raid0', 'raid1', 'raid10'])
    .optional()
    .describe('btrfs: how data lies on the disks. Required when there are several.'),
  quota: z
    .enum(['qgroup', 'simple'])
    .optional()
    .describe('btrfs: how sizes are enforced. simple is cheaper, and needs Linux 6.7. Default qgroup.'),
  fsType: z
    .enum(['ext4', 'xfs', 'btrfs'])
    .optional()
    .describe(
      'image: the file system of volumes whose claim names none. Default ext4; xfs where the daemon lacks CAP_SYS_RESOURCE, which growing a mounted ext4 needs.',
    ),
});

/** The config file as it is written. Defaults that depend on the machine are filled in before (see defaults.ts). */
export const schema = z.strictObject({
  node: z.strictObject({
    name: topologyValue.describe('The node id, and the value of topology.berth.dev/node. Default: the host name.'),
    zone: topologyValue.optional().describe('Copied into the topology.'),
    region: topologyValue.optional().describe('Copied into the topology.'),
    address: z
      .union([z.ipv4(), z.ipv6()], 'expected an IP address')
      .optional()
      .describe('Where other nodes reach this one, for NFS. Absent: its shared volumes are for this node only.'),
    stateDir: folder
      .default('/var/lib/berth')
      .describe('Where the daemon mounts its pools, and keeps the list of adopted ones.'),
  }),
  csi: z.strictObject({
    endpoint: endpoint.describe('The CSI socket. Default: CSI_ENDPOINT, else unix:///run/berth/csi.sock.'),
    defaultDeadline: duration.default(60_000).describe('For calls that carry no deadline.'),
  }),
  admin: z
    .strictObject({
      socket: socketPath.default('/run/berth/admin.sock').describe('The socket of the command line.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      listen: listenAddress.prefault('127.0.0.1:9810').describe('/metrics, /healthz and /readyz.'),
    })
    .prefault({}),
  log,
  kubelet: z
    .strictObject({
      registrationDir: folder
        .default('/var/lib/kubelet/plugins_registry')
        .describe('The folder in which the kubelet looks for plugins.'),
      endpoint: endpoint.optional().describe('The CSI socket as the kubelet sees it. Default: csi.endpoint.'),
    })
    .optional()
    .describe('Registers the driver with the kubelet of this machine. Absent: it does not.'),
  fleet: z
    .strictObject({
      controller: hostAndPort.describe('host:port of the controllers; each address that the name has is kept linked.'),
      caFile: folder.describe('PEM file with the certificates that a controller may be signed by.'),
      tokenFile: folder.describe('File with the ServiceAccount token of this node.'),
    })
    .optional()
    .describe('Links the node to the controller of the cluster. Absent: it is on its own.'),
  nfs: z
    .strictObject({
      listen: listenAddress.prefault('127.0.0.1:0').describe('Where the NFS server listens; port 0 takes a free one.'),
      allow: z
        .array(cidr)
        .default([])
        .describe('Clients, such as 10.0.0.0/8. Required unless it listens on a loopback address.'),
    })
    .optional()
    .describe('Serves the volumes of shared pools by NFS. Absent: it does not.'),
  pools: z.array(pool).default([]).describe('The pools of this node. None: no disk is touched.'),
});

export type Parsed = z.output<typeof schema>;

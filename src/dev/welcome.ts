import type { Config } from '../config/index.ts';
import { urlHost } from '../host/url-host.ts';

/** What `berth dev` prints: where it listens, and lines to paste. */
export function welcome(options: {
  config: Config;
  dir: string;
  limited: boolean;
  problems: string[];
  httpPort: number;
  nfsPort: number;
  /** Names of volumes that are exported from the start. */
  volumes: string[];
}): string {
  const { config, dir, limited, problems, httpPort, nfsPort, volumes } = options;
  const berth = process.env['BERTH_COMMAND'] ?? 'bin/berth';
  const limit = limited
    ? 'a btrfs pool on a file, with hard size limits'
    : 'a plain directory pool. SIZES ARE NOT ENFORCED: that needs root and btrfs';
  return `
Berth is up in dev mode: ${limit}.
${problems.map((problem) => `  problem: ${problem}\n`).join('')}
  CSI socket   unix://${config.csi.socket}
  CLI socket   ${config.admin.socket}
  NFS          ${config.nfs!.listen.host}:${nfsPort}
  metrics      http://${config.http.host}:${httpPort}/metrics
  data         ${dir}

Every volume is exported by NFSv4.1, for any number of machines to read and write. As root, where the kernel has an
NFS client:

  mount -t nfs4 -o vers=4.1,port=${nfsPort} ${hostOf(config)}:/${volumes[0] ?? 'NAME'} /mnt

Paste into another terminal:

  export BERTH_SOCKET=${config.admin.socket}
  ${berth} volume create demo --size 64Mi
  ${limited ? `${berth} volume mount demo /tmp/demo && head -c 100M /dev/zero > /tmp/demo/fill; ${berth} volume stats demo` : `${berth} volume show demo`}
  ${berth} volume snapshot demo before
  ${berth} volume clone before copy --size 128Mi
  ${limited ? `${berth} volume unmount /tmp/demo` : `${berth} volume list`}
  ${berth} volume delete demo --yes
  ${berth} status

Ctrl-C stops it${limited ? ', unmounts everything' : ''} and leaves nothing behind.
`;
}

const hostOf = ({ nfs }: Config): string => urlHost(nfs!.listen.host);

/** What Berth claims towards the suite, by the names of its driver file. A wrong name only skips specs, silently. */
const COMMON = {
  persistence: true,
  fsGroup: true,
  exec: true,
  snapshotDataSource: true,
  pvcDataSource: true,
  multipods: true,
  controllerExpansion: true,
  nodeExpansion: true,
  onlineExpansion: true,
  offlineExpansion: true,
  singleNodeVolume: true,
  topology: true,
  capacity: true,
  readWriteOncePod: true,
  volumeMountGroup: true,
};

export interface Driver {
  /** The pool's disk and class, and the StorageClass. */
  storageClass: 'fast' | 'bulk';
  capabilities: Record<string, boolean>;
  fsTypes: readonly string[];
  sizes: { Min: string; Max: string };
  /** The VolumeAttributesClass of run.ts. */
  attributesClass?: string;
}

export const drivers: Record<string, Driver> = {
  btrfs: {
    storageClass: 'fast',
    // statfs(2) of a btrfs subvolume tells of the whole file system, whatever its limit: no growth shows in it.
    capabilities: { ...COMMON, FSResizeFromSourceNotSupported: true },
    fsTypes: [''],
    sizes: { Min: '64Mi', Max: '10Gi' },
  },
  image: {
    storageClass: 'bulk',
    // Groups are of volumes on one node, and the suite's are spread over two.
    capabilities: { ...COMMON, block: true },
    attributesClass: 'unlimited',
    fsTypes: ['', 'xfs', 'ext4'],
    sizes: { Min: '320Mi', Max: '10Gi' },
  },
};

/** The driver file of `-storage.testdriver`. JSON is YAML. */
export const driverFile = ({ storageClass, capabilities, fsTypes, sizes, attributesClass }: Driver): string =>
  JSON.stringify({
    StorageClass: { FromExistingClassName: storageClass },
    SnapshotClass: { FromName: true },
    ...(attributesClass && { VolumeAttributesClass: { FromExistingClassName: attributesClass } }),
    InlineVolumes: [{ Attributes: { size: sizes.Min, poolClass: storageClass }, Shared: false, ReadOnly: false }],
    DriverInfo: {
      Name: 'csi.berth.dev',
      SupportedSizeRange: sizes,
      SupportedFsType: Object.fromEntries(fsTypes.map((type) => [type, {}])),
      SupportedMountOption: { noatime: {} },
      RequiredAccessModes: ['ReadWriteOnce'],
      TopologyKeys: ['node', 'zone', 'region'].map((key) => `topology.berth.dev/${key}`),
      NumAllowedTopologies: 1,
      StressTestOptions: { NumPods: 4, NumRestarts: 3 },
      VolumeSnapshotStressTestOptions: { NumPods: 3, NumSnapshots: 3 },
      Capabilities: capabilities,
    },
  });

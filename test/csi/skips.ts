/** Specs of csi-sanity v5.6.0 that Berth skips, by name, with the reason. */
type Skips = Readonly<Record<string, string>>;

const PENDING = 'switched off by csi-sanity itself; test/csi/paging.test.ts looks at it instead';
const NO_ATTACH = 'nothing is attached to a node: PUBLISH_UNPUBLISH_VOLUME is not offered';
const NO_SNAPSHOT_TOPOLOGY =
  'SNAPSHOT_ACCESSIBILITY_CONSTRAINTS (alpha) is not offered: no sidecar reads it yet, and the spec compares messages ' +
  'together with their caches, so that it fails for every driver that answers with a topology';

const CONTROLLER = 'Controller Service [Controller Server]';

/** What no backend of Berth offers, whatever the access type. */
export const COMMON_SKIPS: Skips = {
  [`${CONTROLLER} ListVolumes pagination should detect volumes added between pages and accept tokens when the last volume from a page is deleted`]:
    PENDING,
  [`${CONTROLLER} ControllerPublishVolume should fail when no volume id is provided`]: NO_ATTACH,
  [`${CONTROLLER} ControllerPublishVolume should fail when no node id is provided`]: NO_ATTACH,
  [`${CONTROLLER} ControllerPublishVolume should fail when no volume capability is provided`]: NO_ATTACH,
  [`${CONTROLLER} ControllerPublishVolume should fail when publishing more volumes than the node max attach limit`]:
    NO_ATTACH,
  [`${CONTROLLER} ControllerPublishVolume should fail when the volume does not exist`]: NO_ATTACH,
  [`${CONTROLLER} ControllerPublishVolume should fail when the node does not exist`]: NO_ATTACH,
  [`${CONTROLLER} ControllerPublishVolume should fail when the volume is already published but is incompatible`]:
    NO_ATTACH,
  [`${CONTROLLER} volume lifecycle should work`]: NO_ATTACH,
  [`${CONTROLLER} volume lifecycle should be idempotent`]: NO_ATTACH,
  [`${CONTROLLER} ControllerUnpublishVolume should fail when no volume id is provided`]: NO_ATTACH,
  'CreateSnapshot [Controller Server] should succeed when creating a snapshot with accessibility requirements':
    NO_SNAPSHOT_TOPOLOGY,
};

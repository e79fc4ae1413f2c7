import * as z from 'zod';
import { endpoint, listenAddress } from './addresses.ts';
import { duration, text } from './scalars.ts';
import { log } from './schema.ts';

const dnsName = text.regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'expected a DNS name');

/** The controller's config file as it is written. */
export const controllerSchema = z.strictObject({
  csi: z
    .strictObject({
      endpoint: endpoint.prefault('unix:///csi/csi.sock').describe('The CSI socket for the sidecars beside it.'),
      defaultDeadline: duration.default(60_000).describe('For calls that carry no deadline.'),
    })
    .prefault({}),
  http: z
    .strictObject({
      listen: listenAddress.prefault('127.0.0.1:9811').describe('/metrics, /healthz and /readyz.'),
    })
    .prefault({}),
  fleet: z
    .strictObject({
      listen: listenAddress.prefault('0.0.0.0:9820').describe('Where the nodes connect, by gRPC over TLS.'),
      names: z
        .array(dnsName)
        .min(1, 'expected at least one name')
        .default(['berth-controller.berth-system.svc'])
        .describe('The DNS names in its certificate: what the nodes have in fleet.controller.'),
    })
    .prefault({}),
  kubernetes: z
    .strictObject({
      namespace: dnsName.default('berth-system').describe('Its own namespace.'),
      caSecret: dnsName.default('berth-ca').describe('The Secret in which it keeps its CA.'),
      caConfigMap: dnsName
        .default('berth-ca')
        .describe('The ConfigMap to which it writes the certificate, for the nodes.'),
      nodeServiceAccount: dnsName.default('berth-node').describe("The ServiceAccount of the nodes' pods."),
      audience: text.default('berth-controller').describe("The audience that the nodes' tokens must have."),
    })
    .prefault({}),
  log,
});

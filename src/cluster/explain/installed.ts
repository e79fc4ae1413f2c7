import { DRIVER_NAME } from '../../csi/index.ts';
import { berthClassOf, type Check } from './facts.ts';

/** The cluster's side of Berth is not there or does not run. */
export const checkInstalled: Check = (facts) => {
  if (berthClassOf(facts) === undefined) return undefined;
  if (facts.driverInstalled === false) {
    return {
      code: 'DRIVER_NOT_INSTALLED',
      cause: `the cluster has no CSIDriver ${DRIVER_NAME}`,
      advice: ['install the chart of Berth'],
      evidence: [],
    };
  }
  if (facts.controllers.every(({ problem }) => problem !== undefined)) {
    return {
      code: 'CONTROLLER_NOT_RUNNING',
      cause: 'no controller of Berth runs, so nobody makes volumes; those that exist are served all the same',
      advice: ['look at the Deployment berth-controller'],
      evidence: facts.controllers.map(({ name, problem }) => `${name}: ${problem}`),
    };
  }
  const served = (facts.csiNodes ?? []).filter(({ spec }) => spec.drivers.some(({ name }) => name === DRIVER_NAME));
  if (facts.csiNodes !== undefined && served.length === 0) {
    return {
      code: 'NODE_NOT_REGISTERED',
      cause: 'Berth is registered with the kubelet of no node, so no pod can be sent to one',
      advice: ["look at the log of the node daemons, and at kubeletDir in the chart's values"],
      evidence: facts.daemons.map((one) => `${one.node}: ${'error' in one ? one.error.message : 'the daemon answers'}`),
    };
  }
  return undefined;
};

import { DRIVER_NAME } from '../../csi/index.ts';
import { parseParameters } from '../../csi/parameters.ts';
import { catalogue, toBerthError } from '../../errors.ts';
import { berthClassOf, type Check, type ClaimFacts, classOf, defaultClasses, type Finding } from './facts.ts';

const namesOf = (classes: ClaimFacts['classes']): string =>
  classes?.map(({ metadata }) => metadata?.name).join(', ') || 'none';

const IMMUTABLE = 'the class of a claim cannot be changed: delete the claim, and make it anew';

/** The claim's class is missing, wrong, or has parameters that Berth refuses. */
export const checkClass: Check = (facts) => {
  const { claim, classes } = facts;
  const name = claim.spec?.storageClassName;
  if (classes === undefined) return undefined;
  const berths = namesOf(classes.filter(({ provisioner }) => provisioner === DRIVER_NAME));
  if (name === '') {
    return {
      code: 'CLASS_NONE',
      cause:
        'the claim asks for no class ("storageClassName: """), so only a PersistentVolume that is there already can serve it',
      advice: [`name one of the classes of Berth (${berths}); ${IMMUTABLE}`],
      evidence: [],
    };
  }
  if (name === undefined) {
    if ((defaultClasses(facts) ?? []).length > 0) return undefined; // the cluster is about to fill it in
    return {
      code: 'CLASS_NO_DEFAULT',
      cause: 'the claim names no class, and the cluster has no default class',
      advice: [`set storageClassName to one of ${berths}, or make a class the default of the cluster`],
      evidence: [`classes of the cluster: ${namesOf(classes)}`],
    };
  }
  const found = classOf(facts);
  if (found === undefined) {
    return {
      code: 'CLASS_MISSING',
      cause: `there is no StorageClass ${name}`,
      advice: [`make that class, or use one of ${berths}; ${IMMUTABLE}`],
      evidence: [`classes of the cluster: ${namesOf(classes)}`],
    };
  }
  if (found.provisioner !== DRIVER_NAME) {
    return {
      code: 'CLASS_NOT_BERTH',
      cause: `StorageClass ${name} belongs to ${found.provisioner}, not to Berth: Berth has no part in this claim`,
      advice: [`look at the driver ${found.provisioner}, or use one of Berth's classes (${berths}); ${IMMUTABLE}`],
      evidence: [],
    };
  }
  return undefined;
};

/** The same test that the driver does, before it does it. */
export const checkParameters: Check = (facts) => {
  const found = berthClassOf(facts);
  if (found === undefined) return undefined;
  try {
    parseParameters(found.parameters ?? {});
    return undefined;
  } catch (error) {
    const { code, message } = toBerthError(error);
    return {
      code,
      cause: `StorageClass ${found.metadata?.name} has a parameter that Berth refuses: ${message}`,
      advice: [
        catalogue[code].remedy,
        'the parameters of a class cannot be changed: delete the class and make it anew, the claim goes on by itself',
      ],
      evidence: [],
    } satisfies Finding;
  }
};

const SHARED = ['ReadWriteMany', 'ReadOnlyMany'];

export const checkAccessModes: Check = (facts) => {
  const wanted = (facts.claim.spec?.accessModes ?? []).filter((mode) => SHARED.includes(mode));
  if (berthClassOf(facts) === undefined || wanted.length === 0) return undefined;
  return {
    code: 'ACCESS_MODE_UNSUPPORTED',
    cause: `the claim asks for ${wanted.join(' and ')}, and a volume of Berth lives on one node`,
    advice: ['use ReadWriteOnce (all pods of one node) or ReadWriteOncePod (one pod); make the claim anew'],
    evidence: [],
  };
};

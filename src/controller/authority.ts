import 'reflect-metadata'; // x509 finds its parts by it
import { randomBytes, X509Certificate } from 'node:crypto';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509Certificate as X509,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its key, both as PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** What the CA's Secret holds. */
export interface Authority {
  issuer: KeyPair;
  /** Takes the issuer's place once every node has had the time to trust it. */
  next?: KeyPair | undefined;
  /** Every certificate that nodes are to trust, as PEM. */
  trusted: string[];
}

const DAY_MS = 86_400_000;
const CA_LIFE_MS = 730 * DAY_MS;
const CA_RENEW_BEFORE_MS = 180 * DAY_MS;
const CA_INTRODUCED_MS = 7 * DAY_MS;
const SERVER_LIFE_MS = 30 * DAY_MS;
const SERVER_RENEW_BEFORE_MS = 10 * DAY_MS;
/** Clocks differ. */
const BACKDATE_MS = 3_600_000;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

const endOf = (pem: string): number => Date.parse(new X509Certificate(pem).validTo);
const startOf = (pem: string): number => Date.parse(new X509Certificate(pem).validFrom);

/**
 * The authority as it should be now; the same object when nothing is to be done. A CA that nears its end gets a successor,
 * which is trusted at first and signs later.
 */
export async function renewAuthority(found: Authority | undefined, now: number): Promise<Authority> {
  if (found === undefined || endOf(found.issuer.cert) <= now) {
    const issuer = await createCa(now);
    return { issuer, trusted: [issuer.cert] };
  }
  const { issuer, next, trusted } = found;
  if (next !== undefined) {
    if (now - startOf(next.cert) < CA_INTRODUCED_MS) return found;
    return { issuer: next, trusted: trusted.filter((cert) => endOf(cert) > now) };
  }
  if (endOf(issuer.cert) - now > CA_RENEW_BEFORE_MS) return found;
  const successor = await createCa(now);
  return { issuer, next: successor, trusted: [...trusted, successor.cert] };
}

/** Whether a server's certificate is to be replaced: it ends soon, or another CA signs by now. */
export const isStale = (server: KeyPair, issuer: KeyPair, now: number): boolean =>
  endOf(server.cert) - now < SERVER_RENEW_BEFORE_MS ||
  !new X509Certificate(server.cert).checkIssued(new X509Certificate(issuer.cert)) ||
  !new X509Certificate(server.cert).verify(new X509Certificate(issuer.cert).publicKey);

async function createCa(now: number): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const cert = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: 'CN=Berth fleet CA',
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + CA_LIFE_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { cert: cert.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** A certificate for a server that is reached under these DNS names. */
export async function issueServer(issuer: KeyPair, names: readonly string[], now: number): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const [signingKey] = PemConverter.decode(issuer.key);
  const cert = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: 'CN=Berth controller',
    issuer: new X509(issuer.cert).subject,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + SERVER_LIFE_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await crypto.subtle.importKey('pkcs8', signingKey!, ALGORITHM, false, ['sign']),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
    ],
  });
  return { cert: cert.toString('pem'), key: await exportKey(keys.privateKey) };
}

const exportKey = async (key: CryptoKey): Promise<string> =>
  PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

/** RFC 5280 4.1.2.2: positive, at most 20 octets. */
const serialNumber = (): string => `01${randomBytes(15).toString('hex')}`;

// The parts of time-stamp tokens that @peculiar/asn1-* has in no form that keeps their bytes: certificates as they came,
// signed attributes as they were signed, and which certificate signed (RFC 5035).

import {
  Attribute,
  DigestAlgorithmIdentifiers,
  EncapsulatedContentInfo,
  SignerInfos,
} from '@peculiar/asn1-cms';
import {
  AsnArray,
  AsnProp,
  AsnPropTypes,
  AsnType,
  AsnTypeTypes,
  type OctetString,
  OctetString as Octets,
} from '@peculiar/asn1-schema';
import { AlgorithmIdentifier } from '@peculiar/asn1-x509';

const many = (context: number) =>
  AsnProp({ type: AsnPropTypes.Any, repeated: 'set', context, implicit: true, optional: true });

/** SignedData (RFC 5652 §5.1) with its certificates as bytes. */
export class Signed {
  version = 0;
  digestAlgorithms = new DigestAlgorithmIdentifiers();
  encapContentInfo = new EncapsulatedContentInfo();
  certificates?: ArrayBuffer[];
  crls?: ArrayBuffer[];
  signerInfos = new SignerInfos();
}
AsnProp({ type: AsnPropTypes.Integer })(Signed.prototype, 'version');
AsnProp({ type: DigestAlgorithmIdentifiers })(Signed.prototype, 'digestAlgorithms');
AsnProp({ type: EncapsulatedContentInfo })(Signed.prototype, 'encapContentInfo');
many(0)(Signed.prototype, 'certificates');
many(1)(Signed.prototype, 'crls');
AsnProp({ type: SignerInfos })(Signed.prototype, 'signerInfos');

/** Signed attributes as a set, which is what the signature is over (RFC 5652 §5.4). */
export class AttributeSet extends AsnArray<Attribute> {}
AsnType({ type: AsnTypeTypes.Set, itemType: Attribute })(AttributeSet);

/** ESSCertIDv2, and ESSCertID, which has no algorithm. */
class CertificateId {
  hashAlgorithm?: AlgorithmIdentifier;
  certHash: OctetString = new Octets();
  issuerSerial?: ArrayBuffer;
}
AsnProp({ type: AlgorithmIdentifier, optional: true })(CertificateId.prototype, 'hashAlgorithm');
AsnProp({ type: Octets })(CertificateId.prototype, 'certHash');
AsnProp({ type: AsnPropTypes.Any, optional: true })(CertificateId.prototype, 'issuerSerial');

/** SigningCertificateV2, and SigningCertificate. The first one is that of the key that signed. */
export class SigningCertificate {
  certs: CertificateId[] = [];
  policies?: ArrayBuffer;
}
AsnProp({ type: CertificateId, repeated: 'sequence' })(SigningCertificate.prototype, 'certs');
AsnProp({ type: AsnPropTypes.Any, optional: true })(SigningCertificate.prototype, 'policies');

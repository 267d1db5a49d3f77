import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { explainReason } from "../../../../src/discord/gateway/lifecycle/close_codes.ts";

describe("[G10] explainReason()", () => {
  const reasons: readonly [reason: string, meaning: RegExp][] = [
    ["ENOTFOUND", /^the name/],
    ["EAI_AGAIN", /^the name/],
    ["ECONNREFUSED", /^TCP: no server listens/],
    ["EHOSTUNREACH", /^TCP: no route/],
    ["ENETUNREACH", /^TCP: no route/],
    ["ETIMEDOUT", /^TCP: no answer/],
    ["ECONNRESET", /^TCP: .*reset/],
    ["CERT_HAS_EXPIRED", /^TLS: the certificate/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", /^TLS: the certificate/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /^TLS: the certificate/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", /^TLS: the certificate/],
    ["ERR_SSL_WRONG_VERSION_NUMBER", /^TLS: the server does not/],
    ["EPROTO", /^TLS: the server does not/],
    ["HTTP 403", /^the upgrade/],
    ["not an answer to an upgrade", /^the upgrade/],
  ];
  for (const [reason, meaning] of reasons) {
    it(`explains ${reason} by ${meaning.source}`, () => {
      assert.match(explainReason(reason) ?? "", meaning);
    });
  }

  for (const reason of ["connection broke", "no TLS in time", "the proxy: ECONNREFUSED", ""]) {
    it(`leaves a sentence as it is: ${reason}`, () => {
      assert.equal(explainReason(reason), undefined);
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { FindingStatus } from "../../../src/core/finding.ts";
import type { ModelErrorKind } from "../../../src/core/model.ts";
import type { ModelCheck } from "../../../src/core/model_problem.ts";
import { judgeModel } from "../../../src/flows/preflight/model.ts";

const ID = "local/llama3.2";
const server = "http://127.0.0.1:11434";

const failed = (kind: ModelErrorKind): ModelCheck => ({
  kind: "failed",
  server,
  failure: { kind, modelId: ID },
  message: `${ID} answered 500`,
});

describe("[O3] judgeModel()", () => {
  const rows: readonly (readonly [ModelCheck, FindingStatus, why: RegExp, fix: RegExp])[] = [
    [{ kind: "listed", server, key: "accepted" }, "pass", /and accepts the API key$/, /^$/],
    [{ kind: "listed", server, key: "unknown" }, "pass", /the key is not checked$/, /^$/],
    [{ kind: "listed", server, key: "none" }, "pass", /no key is set$/, /^$/],
    [
      { kind: "unlisted", server, others: ["qwen3"], isCertain: true },
      "fail",
      /does not list local\/llama3\.2; it lists "qwen3"$/,
      /`ollama pull llama3\.2`/,
    ],
    [
      { kind: "unlisted", server, others: [], isCertain: false },
      "warn",
      /it lists none, and may accept other names$/,
      /ollama pull/,
    ],
    [{ kind: "no_list", server }, "skipped", /^not checked: /, /^$/],
    [failed("unauthorized"), "fail", /refuses the API key/, /provider local/],
    [failed("quota"), "fail", /quota/, /credit/],
    [failed("web_page"), "fail", /web page/, /baseUrl/],
    [failed("redirected"), "fail", /redirects requests/, /baseUrl/],
    [failed("unavailable"), "fail", /answered 500 \(http:\/\/127\.0\.0\.1:11434\)/, /baseUrl/],
    [failed("timeout"), "fail", /answered 500/, /that its server runs/],
    [failed("rate_limited"), "warn", /answered 500/, /wait/],
  ];
  for (const [check, status, why, fix] of rows) {
    it(`finds ${status} with ${why}`, () => {
      const finding = judgeModel(ID, check);
      assert.equal(finding.id, "model");
      assert.equal(finding.status, status);
      assert.match(finding.why, why);
      assert.match(finding.fix ?? "", fix);
    });
  }
});

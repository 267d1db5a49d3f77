import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CODE_LIFE_MS, readCode } from "../../src/core/inbound/pairing.ts";
import { ACCOUNT } from "../support/discord/builders.ts";
import { challenged, pairingService, strangersMessage } from "../support/discord/pairing.ts";
import { batch, openTestStore } from "../support/store/store.ts";
import { vectorsOf } from "../support/discord/vectors.ts";

interface Step {
  readonly fn: string;
  readonly atMs: number;
  readonly input: { readonly id?: string; readonly code?: string };
  readonly expected: unknown;
}

const BASE = Date.UTC(2026, 1, 3);

/** Our results that differ from OpenClaw's, by the time of the step, and the reasons. */
const OURS: Readonly<Record<number, { readonly says: unknown; readonly why: string }>> = {
  5_000: {
    says: "code 4",
    why: "[P3] twenty may wait, not three, so each sender gets an answer",
  },
  6_000: { says: ["100", "200", "300", "400"], why: "as above" },
  11_000: { says: "no new code", why: "[P3] they have one since the fifth second" },
  3_603_000: { says: ["300", "400"], why: "[P3] an hour is over when it is over" },
  3_604_000: { says: ["400"], why: "as above" },
};

describe("[P3] Barnacle's pairing", () => {
  const { vectors, options } = vectorsOf<never, never>(
    "seed-pairing",
    "scenario: pairing store (file based, ~/.openclaw/credentials/discord-pairing.json, discord-allowFrom.json)",
  );

  it("follows OpenClaw's, step by step, except for listed differences", options, async () => {
    const [scenario] = vectors as unknown as readonly [{ readonly steps: readonly Step[] }];
    const { store } = openTestStore();
    const pairing = pairingService();
    const codes = new Map<string, string>();
    let message = 0;

    async function play({ fn, input, atMs }: Step): Promise<unknown> {
      const now = BASE + atMs;
      switch (fn) {
        case "upsertChannelPairingRequest": {
          const judged = challenged(strangersMessage(Number(input.id), message++));
          const { challenged: [made] } = await store.inbox.acceptBatch(
            batch({ judged: [judged], pairing }),
            now,
          );
          if (!made) return "no new code";
          codes.set(`CODE${codes.size + 1}`, made.code);
          return `code ${codes.size}`;
        }
        case "listChannelPairingRequests":
          return (await store.pairing.requests(ACCOUNT, now)).map(({ userId }) => whoOf(userId));
        case "readChannelAllowFromStore":
          return (await store.pairing.paired(ACCOUNT)).map(({ userId }) => whoOf(userId));
        case "approveChannelPairingCode": {
          const [name = "", how] = (input.code ?? "").split(" ");
          const code = codes.get(name) ?? "";
          const typed = how?.startsWith("(") ? `  ${code.toLowerCase()} ` : code;
          const outcome = await store.pairing.decide({
            accountId: ACCOUNT,
            by: { code: typed },
            how: "approve",
            decidedBy: "cli",
            now,
            notify: [],
          });
          return outcome.kind === "approved" ? whoOf(outcome.request.userId) : null;
        }
        default:
          return assert.fail(`nobody plays ${fn}`);
      }
    }

    for (const step of scenario.steps) {
      const theirs = wordsOf(step);
      const ours = OURS[step.atMs];
      if (ours) assert.notDeepEqual(ours.says, theirs, `${step.atMs}: no difference`);
      assert.deepEqual(await play(step), ours?.says ?? theirs, `at ${step.atMs}: ${step.fn}`);
    }
  });

  it("has codes of the same form and lifetime", options, () => {
    const [form] = vectorsOf<never, { readonly regex: string; readonly ttlMs: number }>(
      "seed-pairing",
      "pairing code format",
    ).vectors;
    const pairing = pairingService();
    for (let number = 0; number < 100; number++) {
      const code = pairing.newCode();
      assert.match(code, new RegExp(form?.expected.regex ?? "^$"));
      assert.equal(readCode(code), code);
    }
    assert.equal(CODE_LIFE_MS, form?.expected.ttlMs);
  });
});

/** The vectors' id for a sender of `strangersMessage`. */
function whoOf(userId: string): string {
  return String(Number(userId) - 30_000_000);
}

/** OpenClaw's result of a step, in this test's words. */
function wordsOf({ fn, expected }: Step): unknown {
  if (Array.isArray(expected)) {
    return expected.map((one: unknown) => typeof one === "string" ? one : idOf(one));
  }
  if (fn === "approveChannelPairingCode") return expected === null ? null : idOf(expected);
  const { code, created } = expected as { readonly code: string; readonly created: boolean };
  return created ? `code ${code.slice("CODE".length)}` : "no new code";
}

function idOf(value: unknown): string {
  return String((value as { readonly id: string }).id);
}

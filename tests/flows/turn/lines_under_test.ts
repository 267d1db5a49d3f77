/** Tests what stands under an answer: the lines of extras, and the button Undo. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import { withLinesUnder } from "../../../src/flows/turn/steps.ts";
import type { MadeChange } from "../../../src/store/changes/changes.ts";
import { loadExtras } from "../../../src/account/extra_parts.ts";
import type { AccountPart } from "../../../src/account/extra_parts.ts";
import { bareAccount } from "../../support/account.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { frozen } from "../../support/store/store.ts";

const voice = { durationSec: 1, waveform: "AA==" };
const claim = {
  message: guildMessage(),
  route: { agentId: "main", sessionKey: "x" },
  attempt: 1,
  isAnother: false,
};
const part = (at: number, of: number, content: string, more: object = {}): Frozen =>
  frozen({
    content,
    of: { cause: claim.message.id, revision: 0, kind: "reply", part: at, parts: of },
    ...more,
  });

describe("[R15a] withLinesUnder()", () => {
  const rows: readonly (readonly [string, readonly Frozen[], readonly (readonly string[])[]])[] = [
    ["a short answer", [part(0, 1, "Done!")], [["Done!\n-# ✓ x", "Undo"]]],
    ["an answer with a footer", [part(0, 1, "Done!\n-# 3 s", { footer: "-# 3 s" })], [
      ["Done!\n-# 3 s\n-# ✓ x", "Undo"],
    ]],
    ["a spoken answer", [part(0, 2, "Done!"), part(1, 2, "", { voice })], [
      ["Done!\n-# ✓ x", "Undo"],
      [""],
    ]],
    ["a full message, whose marks may double the line", [part(0, 1, "x".repeat(1_990))], [
      ["x".repeat(1_990)],
      ["-# ✓ x", "Undo"],
    ]],
    ["no answer", [], []],
  ];
  for (const [what, outbox, expected] of rows) {
    it(`puts the line and the button together: ${what}`, async () => {
      const steps = [{ kind: "answer", text: "", calls: [], at: 1 }] as const;
      const change: Partial<MadeChange> = {
        undo: { does: "x", needs: [], requests: [] },
        isUndone: false,
        madeAt: 1,
      };
      const account = bareAccount({
        now: () => 2,
        store: {
          turns: { stepsOf: () => Promise.resolve(steps) },
          changes: { ofTurn: () => Promise.resolve([change as MadeChange]) },
        } as never,
      });
      const linesUnder: AccountPart["linesUnder"] = (turn) => turn.steps.length > 0 ? ["✓ x"] : [];
      const extra = { account: () => Promise.resolve(() => ({ linesUnder })) };
      await loadExtras(account, [extra as never]);
      const ended = await withLinesUnder(
        { claim, entries: [], end: { kind: "answered" }, outbox },
        { account, rules: { tools: [], chunks: { limit: 2_000 } } } as never,
      );
      const shown = ended.outbox.map((
        { message: { content, buttons = [] } },
      ) => [content, ...buttons.map(({ label }) => label)]);
      assert.deepEqual(shown, expected);
      for (const { message: { content, footer = "", of } } of ended.outbox) {
        assert.ok(content.endsWith(footer));
        assert.equal(of?.parts, ended.outbox.length);
      }
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim } from "../../../../src/core/inbound/inbox.ts";
import { createPreviews } from "../../../../src/flows/turn/control/previews.ts";

import { guildMessage, messageId } from "../../../support/discord/builders.ts";

const EMBED = { kind: "embed", text: "A title" } as const;
const AT = 1_753_856_410_742;

function scene(text: string, now = AT) {
  const timers: { run: () => void; ms: number }[] = [];
  const previews = createPreviews({
    now: () => now,
    schedule(run, ms) {
      timers.push({ run, ms });
      return () => void timers.pop();
    },
  });
  const message = { ...guildMessage({ text }), id: messageId("1400000000000000001"), sentAt: AT };
  const claim: Claim = { message, route: { agentId: "main", sessionKey: "s" }, attempt: 1 };
  return { previews, message, claim, timers };
}

describe("[H6] createPreviews()", () => {
  const waits: readonly [text: string, now: number, ms: number | undefined][] = [
    ["https://example.org/a", AT, 1_500],
    ["<@5> look at https://example.org please", AT + 500, 1_000],
    ["https://example.org/a", AT - 9_000, 1_500],
    ["https://example.org/a", AT + 1_500, undefined],
    ["what do you think about this long article at https://example.org", AT, undefined],
    ["no link", AT, undefined],
    ["<https://example.org>", AT, undefined],
    ["`https://example.org`", AT, undefined],
    ["postgres://host", AT, undefined],
    ["http://localhost:3000 http://192.168.1.1/a http://[::1]/", AT, undefined],
    ["https://1.example.org", AT, 1_500],
  ];
  for (const [text, now, ms] of waits) {
    it(`waits ${ms ?? 0} ms for the preview of ${text}`, async () => {
      const { previews, claim, timers } = scene(text, now);
      const waiting = previews.of(claim);
      assert.equal(timers[0]?.ms, ms);
      timers[0]?.run();
      assert.deepEqual((await waiting).message.extras, []);
    });
  }

  it("ends the wait when the preview comes, and begins none afterwards", async () => {
    const { previews, claim, message, timers } = scene("https://example.org");
    const waiting = previews.of(claim);
    previews.arrived(message.id, { ...message, extras: [EMBED] });
    assert.deepEqual((await waiting).message.extras, [EMBED]);
    assert.deepEqual((await previews.of(claim)).message.extras, [EMBED]);
    assert.equal(timers.length, 0);
    assert.deepEqual(previews.late("s"), []);
  });

  it("gives a later preview to the next turn of the session, once", async () => {
    const { previews, claim, message } = scene("https://example.org", AT + 9_000);
    await previews.of(claim);
    previews.arrived(message.id, { ...message, extras: [EMBED] });
    assert.deepEqual(previews.late("other"), []);
    assert.deepEqual(previews.late("s").map(({ text }) => text), ["[embed: A title]"]);
    assert.deepEqual(previews.late("s"), []);
  });

  it("forgets words, and previews that are gone with their message or without it", async () => {
    const { previews, claim, message } = scene("https://example.org", AT + 9_000);
    for (const gone of [previews.forget, previews.arrived]) {
      for (const now of [undefined, message]) {
        await previews.of(claim);
        previews.arrived(message.id, { ...message, extras: [EMBED] });
        gone(message.id, now);
        assert.deepEqual(previews.late("s"), []);
      }
    }
  });
});

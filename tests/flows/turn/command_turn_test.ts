import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim, FinishedTurn } from "../../../src/core/inbound/inbox.ts";
import { createCommandTurns } from "../../../src/flows/turn/command_turn.ts";
import { ANSWER_MAX } from "../../../src/interactions/base/command.ts";
import { bareAccount } from "../../support/account.ts";
import { guildMessage } from "../../support/discord/builders.ts";

describe("[K2] the turn of a text command", () => {
  it("answers with the whole of the longest text, in several messages", async () => {
    const line = "`/pause` Pause me everywhere, or let me go on\n";
    const text = line.repeat(Math.floor(ANSWER_MAX / line.length)).trim();
    const stored: FinishedTurn[] = [];
    const end = createCommandTurns(
      {
        commands: { commandOf: () => ({}), run: () => Promise.resolve(text) },
        maxWaiting: () => undefined,
        account: bareAccount(),
        store: {
          finishTurn: (turn: FinishedTurn) => Promise.resolve({ stored: stored.push(turn) > 0 }),
        },
        stopping: new AbortController().signal,
        now: () => 0,
      } as unknown as Parameters<typeof createCommandTurns>[0],
    );
    await end({ message: guildMessage({}), route: { agentId: "main" } } as unknown as Claim);
    const contents = stored[0]?.outbox.map(({ message }) => message.content) ?? [];
    assert.ok(contents.length > 1 && contents.every(({ length }) => length <= 2_000));
    assert.equal(contents.join("\n"), text);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createDeferred } from "../../../src/flows/interactions/deferred.ts";
import { type ApplicationId, createdAtMs, type Snowflake } from "../../../src/core/discord/ids.ts";
import type { CommandCall, SlashCommand } from "../../../src/core/inbound/interactions.ts";
import type { Verdict } from "../../../src/core/inbound/verdict.ts";
import {
  type CommandRunner,
  createSlashCommands,
} from "../../../src/flows/interactions/run_commands.ts";
import { createRefusals } from "../../../src/flows/interactions/refusals.ts";
import type { AnswerParts, Command } from "../../../src/interactions/base/command.ts";
import { ACCOUNT, channelId, messageId, sender } from "../../support/discord/builders.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const CALL: SlashCommand = {
  kind: "slash",
  accountId: ACCOUNT,
  id: "1450000000000000001",
  token: "s3cret",
  applicationId: "99" as ApplicationId,
  channelId: channelId("1400000000000000700"),
  place: { kind: "dm" },
  sender: sender(),
  name: "tide",
  options: { secret: "words of the asker" },
};
const ALLOWED: Verdict = { kind: "accept", why: "allowed", rule: "dm.allowFrom" };
const DENIED: Verdict = { kind: "ignore", why: "dm-not-allowed", rule: "r", keepAsContext: false };
const TIDE: Command = {
  name: "tide",
  description: "Show the tide",
  options: [],
  needs: "session",
  run: () => "high at noon",
};
const UNKNOWN = new Error("10015");
const FORBIDDEN = new Error("50013");

function setUp({ verdict = ALLOWED, command = TIDE, failures = [] as Error[] } = {}) {
  const clock = new FakeClock(createdAtMs(CALL.id as Snowflake));
  const { log, lines } = recordingLog();
  const answers: string[] = [];
  const needed: string[] = [];
  const late: string[] = [];
  const context = interactionContext({ now: clock.now, log });
  const give = createDeferred(clock, ({ sender }, content, isForbidden) => {
    late.push(`${sender.username}${isForbidden ? " elsewhere" : ""}: ${content}`);
    return Promise.resolve();
  }, (error) => error === UNKNOWN ? "unknown" : error === FORBIDDEN ? "forbidden" : undefined);
  const runner: CommandRunner = {
    commands: [command],
    authorize(_, needs) {
      needed.push(needs);
      return verdict;
    },
    refusals: createRefusals({ now: clock.now }),
    context,
  };
  const menu = [{
    name: "Tide here",
    needs: "everyone" as const,
    run: ({ target }: CommandCall) => `${target?.id}`,
  }];
  const answer = (call: SlashCommand, { text: content }: AnswerParts, isFleeting: boolean) =>
    give(call, isFleeting ? undefined : content, () => {
      const failure = failures.shift();
      if (failure) return Promise.reject(failure);
      answers.push(content);
      return Promise.resolve();
    });
  const run = createSlashCommands(runner, menu, answer);
  return { run, clock, lines, answers, needed, late };
}

describe("[K2] createSlashCommands()", () => {
  it("sends the command's answer, after checking the right", async () => {
    const { run, answers, needed, lines } = setUp();
    await run(CALL);
    assert.deepEqual([answers, needed, lines], [["high at noon"], ["session"], []]);
  });

  it("[K3] runs nothing for a person without the right, and logs why", async () => {
    const command = { ...TIDE, run: () => assert.fail("it ran") };
    const { run, answers, lines } = setUp({ verdict: DENIED, command });
    await run(CALL);
    assert.deepEqual(answers, ["You are not authorized to do that."]);
    assert.deepEqual([lines[0]?.level, lines[0]?.fields.why], ["debug", "dm-not-allowed"]);
  });

  it("[X4a] refuses each command in words, a few a second, also those that it no longer has", async () => {
    const { run, answers, clock, lines } = setUp({ verdict: DENIED });
    for (let second = 1; second <= 3; second++) {
      for (let n = 0; n < 100; n++) await run({ ...CALL, name: n % 2 ? "tide" : "gone" });
      const refusals = Array<string>(5 * second).fill("You are not authorized to do that.");
      assert.deepEqual(answers, refusals);
      clock.advance(1_000);
    }
    assert.equal(lines.length, 1, "the log has one line for the first, and one a minute");
  });

  it("answers a failure with an id that the log explains, without the person's words", async () => {
    const command = { ...TIDE, run: () => Promise.reject(new Error("disk full")) };
    const { run, answers, lines } = setUp({ command });
    await run(CALL);
    assert.match(answers[0]!, new RegExp(CALL.id));
    assert.equal(lines[0]?.level, "error");
    assert.doesNotMatch(JSON.stringify(lines), /s3cret|words of the asker/);
  });

  it("[K5] retries while Discord does not know the deferral yet", async () => {
    const { run, answers, clock, lines } = setUp({ failures: [UNKNOWN, UNKNOWN] });
    const done = run(CALL);
    for (const ms of [50, 200]) {
      await settle();
      assert.deepEqual(answers, []);
      clock.advance(ms);
    }
    await done;
    assert.deepEqual([answers, lines], [["high at noon"], []]);
  });

  for (
    const [what, verdict, expected] of [
      ["sends the answer to the asker alone if a deferral never arrived", ALLOWED, {
        late: ["ada: high at noon"],
        levels: [],
      }],
      ["[X4a] sends a refusal to no one if a deferral never arrived, and logs it", DENIED, {
        late: [],
        levels: ["debug", "warn"],
      }],
    ] as const
  ) {
    it(`[K5] ${what}`, async () => {
      const failures = Array<Error>(6).fill(UNKNOWN);
      const { run, answers, clock, lines, late } = setUp({ failures, verdict });
      const done = run(CALL);
      for (let i = 0; i < 5; i++) {
        await settle();
        clock.advance(3_000);
      }
      await done;
      assert.deepEqual([answers, late], [[], expected.late]);
      assert.deepEqual(lines.map(({ level }) => level), expected.levels);
      assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
    });
  }

  it("[K5] sends the answer to the asker alone at once if Discord forbids it in the place", async () => {
    const { run, answers, lines, late } = setUp({ failures: [FORBIDDEN] });
    await run(CALL);
    assert.deepEqual([answers, lines, late], [[], [], ["ada elsewhere: high at noon"]]);
  });

  it("[K6] runs the command of a message's menu, and no slash command of that name", async () => {
    const { run, answers } = setUp();
    const target = { id: messageId("1450000000000000002"), text: "hi", channelId: CALL.channelId };
    await run({ ...CALL, name: "Tide here", target });
    await run({ ...CALL, target });
    assert.deepEqual(answers, ["1450000000000000002", "I no longer have this command."]);
  });
});

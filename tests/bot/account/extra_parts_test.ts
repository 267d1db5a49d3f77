import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccountContext } from "../../../src/bot/account_context.ts";
import type { AccountPart, AccountServices, BotExtra } from "../../../src/bot/bot_extra.ts";
import { createExtraParts } from "../../../src/bot/account/extra_parts.ts";
import type { ButtonPress } from "../../../src/core/inbound/interactions.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { callOf } from "../../support/discord/calls.ts";
import { recordingLog } from "../../support/recording_log.ts";

const extra = (part: AccountPart): BotExtra => ({ account: () => Promise.resolve(() => part) });

describe("[G12] createExtraParts()", () => {
  it("starts each part once, and stops all of them even if one fails", async () => {
    const calls: string[] = [];
    const { log, lines } = recordingLog();
    const parts = await createExtraParts(
      [
        extra({
          start: () => calls.push("start"),
          stop: () => Promise.reject(new Error("broken")),
        }),
        extra({ stop: () => Promise.resolve(void calls.push("stop")) }),
        {},
      ],
      { forPart: () => ({ log }) } as unknown as AccountContext,
      {} as AccountServices,
    );
    parts.start();
    parts.start();
    await parts.stop();
    assert.deepEqual(calls, ["start", "stop"]);
    assert.deepEqual(lines.map(({ event }) => event), ["Cannot stop an extra"]);
  });

  it("[V3] runs a command and a press by the part that has it, and no others", async () => {
    const parts = await createExtraParts(
      [
        extra({}),
        extra({
          commands: { join: ({ name }) => Promise.resolve(`/${name}`) },
          presses: { hear: ({ customId }) => Promise.resolve(customId) },
        }),
      ],
      { forPart: () => ({}) } as unknown as AccountContext,
      {} as AccountServices,
    );
    assert.equal(await parts.run(callOf("join")), "/join");
    assert.equal(await parts.run(callOf("leave")), "");
    const press = (customId: string) => parts.run({ customId } as ButtonPress);
    assert.equal(await press("hear:on:1"), "hear:on:1");
    assert.equal(await press("undo:1"), "");
    assert.equal(await parts.voice({ action: "leave" }, [guildMessage()]), "");
  });
});

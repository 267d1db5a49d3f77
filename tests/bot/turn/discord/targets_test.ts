import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTargets } from "../../../../src/bot/turn/discord/targets.ts";
import type { NamedChannel } from "../../../../src/discord/rest/calls/single_message.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import type { NeededPermission } from "../../../../src/discord/rest/permissions/denial.ts";
import {
  channelId,
  directMessage,
  guildId,
  guildMessage,
  guildPlace,
  userId,
} from "../../../support/discord/builders.ts";

const HERE = guildPlace().guild.id;
const OTHER = channelId("1390000000000000099");
const BOT = userId("1390000000000000001");

interface World {
  readonly channel?: NamedChannel | "missing";
  readonly isOwner?: boolean;
  /** Permissions that neither the asker nor the bot has. */
  readonly lacking?: readonly NeededPermission[];
  /** The rule that closes other channels. */
  readonly closed?: string;
}

const refused = (status: number, code: number) =>
  new RestError("failed", { kind: "not_found", route: "GET /channels/:id", status, code });

function targetsOf({ channel, isOwner = false, lacking = [], closed }: World = {}) {
  return createTargets({
    reads: {
      channel: () =>
        channel === "missing"
          ? Promise.reject(refused(404, 10003))
          : Promise.resolve(channel ?? { guildId: HERE, isPrivateThread: false }),
    },
    explainDenial: (_place, needed) => {
      const permission = needed.find((one) => lacking.includes(one));
      return Promise.resolve(permission && { permission, deniedBy: "@everyone", text: "" });
    },
    isOwner: () => isOwner,
    self: () => BOT,
    closedBy: () => closed,
  });
}

const NO_CHANNEL = /no such channel in this server/;

describe("[T5] targets of the tool discord", () => {
  it("are the turn's own channel by default, also in direct messages", async () => {
    const inGuild = guildMessage();
    assert.deepEqual(await targetsOf().find(inGuild, undefined, []), {
      channelId: inGuild.channelId,
      guildId: inGuild.guildId,
    });
    const direct = directMessage();
    assert.deepEqual(await targetsOf().find(direct, undefined, ["Send Messages"]), {
      channelId: direct.channelId,
    });
  });

  it("stay in the turn's guild, for owners too", async () => {
    const elsewhere = { guildId: guildId("1390000000000000098"), isPrivateThread: false };
    for (const channel of [elsewhere, { isPrivateThread: false }, "missing"] as const) {
      for (const isOwner of [true, false]) {
        await assert.rejects(
          targetsOf({ channel, isOwner }).find(guildMessage(), OTHER, []),
          NO_CHANNEL,
        );
      }
    }
  });

  it("are guilds from direct messages only for owners", async () => {
    const asked = (isOwner: boolean) => targetsOf({ isOwner }).find(directMessage(), OTHER, []);
    assert.deepEqual(await asked(true), { channelId: OTHER, guildId: HERE });
    await assert.rejects(asked(false), /only an owner of the bot/);
  });
});

describe("[T4] rights of the asker", () => {
  it("name the missing permission, and do not bind owners", async () => {
    const lacking = ["Send Messages"] as const;
    const asked = (isOwner: boolean) =>
      targetsOf({ lacking, isOwner }).find(guildMessage(), OTHER, ["Send Messages"]);
    await assert.rejects(asked(false), /they lack the permission Send Messages/);
    await asked(true);
  });

  it("include Manage Threads in a private thread of another turn", async () => {
    const channel = { guildId: HERE, isPrivateThread: true };
    const lacking = ["Manage Threads"] as const;
    await assert.rejects(
      targetsOf({ channel, lacking }).find(guildMessage(), OTHER, []),
      /Manage Threads/,
    );
    await targetsOf({ channel }).find(guildMessage(), OTHER, []);
  });
});

describe("[T5] the policy", () => {
  it("closes channels to tools, and names its rule to owners only", async () => {
    const closed = "channels.discord.guilds.1.channels";
    const asked = (isOwner: boolean) =>
      targetsOf({ closed, isOwner }).find(guildMessage(), OTHER, []);
    await assert.rejects(asked(true), { message: /access rules .* by channels\.discord\.guilds/ });
    await assert.rejects(asked(false), { message: /close that channel to this person$/ });
    await targetsOf({ closed }).find(guildMessage(), undefined, []); // the turn's own channel
  });
});

describe("[T3] refusals of Discord", () => {
  const place = { channelId: OTHER, guildId: HERE };
  const wordsOf = async (code: number, lacking: World["lacking"] = []) =>
    String(await targetsOf({ lacking }).refusal(refused(403, code), place, ["Add Reactions"]));

  it("are in words, with the permission that the bot lacks", async () => {
    assert.match(await wordsOf(50013, ["Add Reactions"]), /the bot lacks .* Add Reactions/);
    assert.match(await wordsOf(10008), /no such message/);
    assert.match(await wordsOf(10014), /no such emoji/);
    assert.match(await wordsOf(50083), /archived/);
  });

  it("stay as they are if they are no answer of Discord", async () => {
    const error = new Error("a bug");
    assert.equal(await targetsOf().refusal(error, place, []), error);
  });
});

import { BitwisePermissionFlags as Flag } from "@discordeno/types";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../src/core/discord/ids.ts";
import { openGates, TOOL_GATES, type ToolGate } from "../../src/core/tool_names.ts";
import {
  applicationIdIn,
  dialogueName,
  INVITE_PERMISSIONS,
  type InviteOptions,
  invitePermissions,
  inviteUrl,
  permissionsToAsk,
} from "../../src/core/invite.ts";
import { PERMISSIONS } from "../../src/core/rights/rights.ts";

const ID = parseSnowflake<"application">("1500000000000000002")!;

/** Discord's bits, by the names of its dialogue. */
const FLAGS: Readonly<Record<string, bigint>> = {
  "View Channels": Flag.VIEW_CHANNEL,
  "Send Messages": Flag.SEND_MESSAGES,
  "Send Messages in Threads": Flag.SEND_MESSAGES_IN_THREADS,
  "Create Public Threads": Flag.CREATE_PUBLIC_THREADS,
  "Read Message History": Flag.READ_MESSAGE_HISTORY,
  "Embed Links": Flag.EMBED_LINKS,
  "Attach Files": Flag.ATTACH_FILES,
  "Add Reactions": Flag.ADD_REACTIONS,
  "Connect": Flag.CONNECT,
  "Speak": Flag.SPEAK,
  "Use External Emojis": Flag.USE_EXTERNAL_EMOJIS,
  "Use External Stickers": Flag.USE_EXTERNAL_STICKERS,
  "Manage Messages": Flag.MANAGE_MESSAGES,
  "Pin Messages": 1n << 51n,
  "Create Polls": Flag.SEND_POLLS,
  "Create Expressions": Flag.CREATE_GUILD_EXPRESSIONS,
  "Create Events": Flag.CREATE_EVENTS,
  "Manage Channels": Flag.MANAGE_CHANNELS,
  "Manage Threads": Flag.MANAGE_THREADS,
  "Manage Roles": Flag.MANAGE_ROLES,
  "Timeout Members": Flag.MODERATE_MEMBERS,
  "Kick Members": Flag.KICK_MEMBERS,
  "Ban Members": Flag.BAN_MEMBERS,
};

/** The list of O3. */
const BASIC = [
  "View Channels",
  "Send Messages",
  "Send Messages in Threads",
  "Create Public Threads",
  "Read Message History",
  "Embed Links",
  "Attach Files",
  "Add Reactions",
];

const names = (options?: InviteOptions) =>
  permissionsToAsk(options).map(({ permission }) => dialogueName(permission));
const more = (options: InviteOptions) => names(options).filter((name) => !BASIC.includes(name));

describe("[O3] [SEC-R34] inviteUrl()", () => {
  it("asks for exactly the permissions of the specification", () => {
    assert.deepEqual(names(), BASIC);
    assert.equal(invitePermissions(), "309237763136");
    assert.equal(
      inviteUrl(ID),
      "https://discord.com/oauth2/authorize?client_id=1500000000000000002" +
        "&scope=bot+applications.commands&permissions=309237763136",
    );
  });

  it("has the bits of Discord's document", () => {
    const bits = (options: InviteOptions) =>
      names(options).reduce((sum, name) => sum | (FLAGS[name] ?? 0n), 0n);
    const gates = Object.keys(TOOL_GATES) as ToolGate[];
    const all = { gates, externalEmoji: true, voice: true };
    for (const options of [{}, all]) {
      assert.equal(invitePermissions(options), bits(options).toString());
    }
  });

  /** Managing of anything, and pinging @everyone. */
  const NEVER = [1, 2, 3, 4, 5, 13, 17, 28, 29, 30, 34, 40];
  for (const bit of NEVER) {
    it(`never asks for bit ${bit} without an option`, () => {
      assert.equal(BigInt(invitePermissions()) & (1n << BigInt(bit)), 0n);
    });
  }

  it("never asks for Administrator, Manage Server, Mention Everyone or Manage Webhooks", () => {
    const bits = new Set(INVITE_PERMISSIONS.map(({ permission }) => PERMISSIONS[permission]));
    for (const bit of [3n, 5n, 17n, 29n]) assert.ok(!bits.has(1n << bit), `bit ${bit}`);
    assert.equal(bits.size, INVITE_PERMISSIONS.length, "no permission twice");
  });

  it("asks for other servers' emojis and stickers only on request", () => {
    assert.deepEqual(more({ externalEmoji: true }), [
      "Use External Emojis",
      "Use External Stickers",
    ]);
  });

  it("[V1] asks for those of voice channels only for a config with `voice`", () => {
    assert.deepEqual(more({ voice: true }), ["Connect", "Speak"]);
  });

  it("asks for the permissions of open tool gates, and of no closed one", () => {
    assert.deepEqual(more({ gates: ["pins", "polls", "presence"] }), [
      "Pin Messages",
      "Create Polls",
    ]);
    assert.deepEqual(more({ gates: ["threads"] }), ["Manage Threads"]);
    const byDefault = more({ gates: openGates({}) });
    assert.ok(byDefault.includes("Manage Channels"));
    for (const name of ["Manage Roles", "Kick Members", "Ban Members", "Timeout Members"]) {
      assert.ok(!byDefault.includes(name), name);
    }
    assert.ok(more({ gates: openGates({ moderation: true }) }).includes("Ban Members"));
    assert.ok(!more({ gates: openGates({ channels: false }) }).includes("Manage Channels"));
  });

  it("gives a reason for each permission", () => {
    for (const { permission, why } of INVITE_PERMISSIONS) {
      assert.match(`${permission}: ${why}`, /\w: to \w/);
    }
  });
});

describe("[O3] applicationIdIn()", () => {
  it("reads the id that a token begins with", () => {
    const token = "MTUwMDAwMDAwMDAwMDAwMDAwMg.GabcdE.abcdefghijklmnopqrstuvwxyz0";
    assert.equal(applicationIdIn(token), ID);
  });

  for (
    const text of ["", "token", "a.b", "!.b.c", "AAAA.b.c", "MTUw.b", "MDA3.b.c", "\u0161.b.c"]
  ) {
    it(`finds none in ${JSON.stringify(text)}`, () => {
      assert.equal(applicationIdIn(text), undefined);
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ChannelId, UserId } from "../../../src/core/discord/ids.ts";
import type { VoiceEnd } from "../../../src/features/voice/line.ts";
import { voices } from "../../../src/flows/turn/steps.ts";
import { guildMessage, sender } from "../../support/discord/builders.ts";
import { cases } from "../../support/long_form.ts";
import {
  ADA,
  BEA,
  CABIN,
  DECK,
  GUILD,
  HALL,
  HEARD_ROLE,
  openCall,
  openWorld,
  REX,
  ROBO,
  SELF,
  SPEECH,
  STAGE,
} from "./harness.ts";

const SOON = 30_000;

describe("[V1] joining and leaving", () => {
  it("comes into the channel of the person who calls, and tells who it hears", async () => {
    const world = await openWorld();
    assert.match(await world.give("join", ADA), /Go into a voice channel first/);
    await world.move([ADA, BEA], DECK);
    assert.match(await world.give("join", ADA), /^I am in <#21>\. I hear: –$/);
    assert.equal(world.call().channelId, DECK);
    const [hear] = world.given();
    assert.equal(
      await world.press(ADA, "on", hear),
      "I hear you in this call. `/deafen me` ends it at once.",
    );
    assert.equal(await world.give("join", BEA), `I am in <#21>. I hear: <@${ADA}>`);
    assert.equal(world.calls.length, 1);
    assert.equal(await world.give("leave", BEA), "I have left <#21>.");
    assert.ok(world.call().isLeft);
    assert.equal(await world.give("leave", BEA), "I am in no voice channel here.");
    assert.deepEqual(world.rows("SELECT choice FROM voice_choice"), [], "consents end with it");
  });

  const audio = { transcribe: "near/whisper" };
  const [unseen, unconnected] = [1n << 10n, 1n << 20n];
  const refusals:
    readonly (readonly [string, UserId, ChannelId, RegExp, denied?: bigint, object?])[] = [
      ["a person whom the config refuses", REX, DECK, /^You may not call me into <#21>/],
      ["a person who may not connect", ADA, CABIN, /^You may not call me/, unconnected],
      ["a text channel", ADA, HALL, /Go into a voice channel/],
      ["a text channel that the person does not see", ADA, HALL, /^You may not call/, unseen],
      ["a config without a server", ADA, DECK, /lacks `audio.speak`/, 0n, { audio }],
    ];
  for (const [name, by, channel, says, denied = 0n, further] of refusals) {
    it(`says why it does not join: ${name}`, async () => {
      const world = await openWorld({}, { further });
      await world.move([ADA, BEA, ...by === REX ? [REX] : []], DECK);
      world.state.denied = denied;
      assert.match(await world.give("join", by, channel), says);
      assert.equal(world.calls.length, 0);
      assert.deepEqual(world.posts(), []);
    });
  }

  it("leaves a call of others for no person, and lets none end it from outside", async () => {
    const world = await openWorld();
    world.state.limit = 2;
    await world.move([ADA], DECK);
    await world.move([BEA], CABIN);
    await world.give("join", ADA);
    world.state.limit = 0;
    assert.equal(await world.give("join", BEA), "I am in a voice channel here with other people.");
    assert.equal(await world.give("leave", BEA), "I am in a voice channel here with other people.");
    await world.move([ADA], CABIN);
    await world.give("join", BEA);
    assert.equal(world.call().channelId, CABIN);
    assert.ok(world.calls[0]?.isLeft);
  });

  it("has one call in a guild, over all accounts", async () => {
    const world = await openWorld();
    const place = { guildId: GUILD, channelId: CABIN };
    const other = { ...place, accountId: "other" as never, callId: "c", terms: "" };
    await world.store.voice.begin({ ...other, begunBy: "asked", isOver: false, at: 0 });
    await world.move([ADA], DECK);
    assert.match(await world.give("join", ADA), /^I am in a voice channel here with other people/);
    await world.store.voice.end(other, false);
    assert.match(await world.give("join", ADA), /^I am in <#21>/);
  });

  it("speaks the answers of its own channel alone", async () => {
    const world = await openCall([ADA]);
    const speechIn = (channelId: ChannelId) =>
      voices(world.account).of({
        message: guildMessage({ channelId }),
        ending: new AbortController().signal,
        mark: () => Promise.resolve(),
      });
    assert.deepEqual([DECK, CABIN].map((id) => speechIn(id) !== undefined), [true, false]);
  });

  it("leaves a channel soon after the last person who may talk to it", async () => {
    const world = await openCall([ADA, REX, ROBO]);
    await world.move([ADA]);
    await world.wait(SOON / 10);
    await world.move([ADA], DECK);
    await world.wait(SOON);
    assert.ok(!world.call().isLeft, "they came back");
    await world.move([ADA]);
    await world.wait(SOON);
    assert.ok(world.call().isLeft);
    assert.deepEqual(world.rows("SELECT * FROM voice_call"), []);
  });

  it("joins a channel of the config while a person is there who may talk to it", async () => {
    const world = await openWorld({ autoJoin: [DECK] });
    await world.move([REX, ROBO], DECK);
    assert.equal(world.calls.length, 0);
    await world.move([ADA], DECK);
    assert.equal(world.calls.length, 1);
    await world.give("leave", ADA);
    await world.move([BEA], DECK);
    assert.equal(world.calls.length, 1, "it was sent out, and people are still there");
    await world.move([ADA, BEA, REX, ROBO]);
    await world.move([BEA], DECK);
    assert.equal(world.calls.length, 2);
  });

  it("follows a user, and leaves with them", async () => {
    const world = await openWorld({ follow: [ADA] });
    await world.move([ADA, BEA], DECK);
    assert.equal(world.call().channelId, DECK);
    await world.move([ADA], CABIN);
    assert.equal(world.call().channelId, CABIN);
    assert.ok(world.calls[0]?.isLeft);
    await world.move([BEA], CABIN);
    await world.move([ADA]);
    await world.wait(SOON);
    assert.ok(world.call().isLeft, "the others were not followed");
  });

  it("tells health why it cannot join a channel of the config, and does not try again", async () => {
    const world = await openWorld({ autoJoin: [DECK] }, { failing: "no_speak" });
    await world.move([ADA], DECK);
    assert.match(world.failures(), /lack the permission Speak/);
    world.state.failing = undefined;
    await world.reload({ autoJoin: [CABIN] });
    assert.equal(world.failures(), "", "the config wants another channel");
    await world.reload({ autoJoin: [DECK] });
    assert.match(world.failures(), /lack the permission Speak/);
    await world.move([BEA], DECK);
    assert.equal(world.calls.length, 1);
    await world.move([ADA, BEA]);
    await world.move([ADA], DECK);
    assert.equal(world.calls.length, 2);
    assert.equal(world.failures(), "");
    const next = await openWorld({ autoJoin: [DECK] }, { before: world, failing: "no_speak" });
    await next.move([ADA], DECK);
    assert.match(next.failures(), /lack the permission Speak/, "the call does not go on");
  });

  it("shows its card on a stage that does not let it ask to speak", async () => {
    const world = await openWorld();
    world.state.refusesPatches = true;
    await world.move([ADA], STAGE);
    await world.give("join", ADA);
    assert.equal(world.posts().length, 1);
    await world.press(ADA);
    assert.deepEqual(world.heard(), [ADA]);
  });

  it("asks to speak on a stage", async () => {
    const world = await openWorld();
    await world.move([ADA], STAGE);
    await world.give("join", ADA);
    assert.equal(world.call().channelId, STAGE);
    const [patch] = world.state.patches as {
      channel_id: string;
      request_to_speak_timestamp: string;
    }[];
    assert.equal(patch?.channel_id, STAGE);
    assert.ok(Date.parse(patch.request_to_speak_timestamp) > 0);
    world.call().tell({ kind: "ready", isEndToEnd: false }); // after another join, it is a listener again
    await world.rest();
    assert.equal(world.state.patches.length, 2);
    await world.move([SELF], STAGE); // as a speaker
    world.call().tell({ kind: "ready", isEndToEnd: false });
    await world.rest();
    assert.equal(world.state.patches.length, 2);
  });

  it("runs the tool with the rights of each asker", async () => {
    const world = await openWorld();
    await world.move([ADA, REX], DECK);
    const by = (id: UserId) => guildMessage({ guildId: GUILD, sender: sender({ id }) });
    const { act } = world;
    assert.match(await act({ action: "join" }, [by(ADA), by(REX)]), /^You may not call me/);
    assert.match(await act({ action: "join" }, [by(ADA)]), /^I am in <#21>/);
    assert.match(
      await act({ action: "say", text: "hi" }, [by(REX)]),
      /^I am in a voice channel here with other/,
    );
    assert.match(await act({ action: "say", text: "hi hunter2" }, [by(ADA)]), /^Saying it/);
    assert.deepEqual(world.said, ["hi [redacted]"]);
    assert.match(await act({ action: "leave" }, [by(ADA)]), /^I have left/);
  });
});

describe("[V2] the people whom the bot hears", () => {
  it("hears no one before a press, never a bot, and no person whom the config refuses", async () => {
    const world = await openWorld({ heardRoles: [HEARD_ROLE] });
    world.roles.set(REX, [HEARD_ROLE]);
    world.roles.set(ROBO, ["31", HEARD_ROLE]);
    await world.move([ADA, BEA, REX, ROBO], DECK);
    await world.give("join", ADA);
    assert.deepEqual(world.heard(), []);
    assert.match(await world.press(REX), /not|may/i);
    await world.press(ROBO);
    assert.deepEqual(world.heard(), []);
    await world.press(BEA);
    assert.deepEqual(world.heard(), [BEA]);
    assert.equal(world.call().heard.get(BEA), "pieces");
  });

  it("hears members of a role of the config, and says so", async () => {
    const modes = { mode: "realtime", realtime: "openai/gpt" };
    const world = await openWorld({ heardRoles: [HEARD_ROLE], ...modes });
    world.roles.set(BEA, ["31", HEARD_ROLE]);
    await world.move([ADA, BEA], DECK);
    assert.match(await world.give("join", ADA), /I hear: <@72> \(<@&32>\)$/);
    assert.equal(world.call().heard.get(BEA), "frames");
    assert.match(world.posts()[0]?.content ?? "", /have one of the roles <@&32>/);
  });

  it("stops at once, and holds it over roles, calls and a forgotten person", async () => {
    const world = await openWorld({ heardRoles: [HEARD_ROLE] });
    world.roles.set(BEA, ["31", HEARD_ROLE]);
    await world.move([ADA, BEA], DECK);
    await world.give("join", ADA);
    assert.deepEqual(world.heard(), [BEA]);
    assert.match(await world.give("deafen", BEA), /It stays so/);
    assert.deepEqual(world.heard(), []);
    await world.store.forgetting.forget(BEA, false);
    world.forgotten(BEA);
    await world.rest();
    assert.deepEqual(world.heard(), [], "what they said in this call holds");
    await world.give("deafen", BEA);
    await world.give("leave", ADA);
    await world.give("join", ADA);
    assert.deepEqual(world.heard(), []);
    await world.press(BEA);
    assert.deepEqual(world.heard(), [BEA]);
    assert.match(await world.press(BEA, "off"), /I do not hear you/);
    assert.deepEqual(world.heard(), []);
  });

  it("hears no person any more who loses their access, leaves, or whose facts are unknown", async () => {
    const world = await openCall([ADA, BEA]);
    await world.press(ADA);
    await world.press(BEA);
    assert.deepEqual(world.heard(), [ADA, BEA]);
    world.roles.set(BEA, []);
    await world.wait(61_000);
    world.call().tell({ kind: "began", userId: ADA });
    await world.rest();
    assert.deepEqual(world.heard(), [ADA]);
    await world.move([ADA], CABIN);
    assert.deepEqual(world.heard(), []);
    await world.wait(1_000);
    await world.move([ADA], DECK);
    assert.deepEqual(world.heard(), [ADA], "the consent holds until the call ends");
    const { reads } = world.state;
    for (let turn = 0; turn < 9; turn++) await world.move([ADA], turn % 2 === 0 ? CABIN : DECK);
    await world.move([ADA], DECK);
    assert.deepEqual([world.heard(), world.state.reads], [[ADA], reads], "with the same roles");
    world.roles.set(ADA, []);
    await world.move([ADA], CABIN);
    const coming = world.move([ADA], DECK);
    assert.deepEqual(world.heard(), [], "at no moment");
    await coming;
    assert.deepEqual(world.heard(), [], "they have lost their role meanwhile");
    world.roles.set(ADA, ["31"]);
    await world.move([ADA], DECK);
    assert.deepEqual(world.heard(), [ADA]);
    world.state.isDown = true;
    await world.wait(61_000);
    world.call().tell({ kind: "began", userId: ADA });
    await world.rest();
    assert.deepEqual(world.heard(), []);
    await world.wait(SOON);
    assert.ok(!world.call().isLeft, "Discord's silence does not end a call");
    world.state.isDown = false;
    await world.wait(SOON);
    assert.deepEqual(world.heard(), [ADA]);
  });

  it("[X4a] reads a person once a minute, however often they come and go", async () => {
    const world = await openWorld({ autoJoin: [DECK] });
    for (let turn = 0; turn < 50; turn++) {
      await world.move([REX, BEA], CABIN);
      await world.move([REX], DECK);
    }
    assert.equal(world.state.reads, 1, "of those in a channel that counts");
    await world.wait(61_000);
    await world.move([REX], CABIN);
    await world.move([REX], DECK);
    assert.equal(world.state.reads, 2);
  });

  it("holds for all orders of presses, moves and reloads", async () => {
    const step = fc.record({
      who: fc.constantFrom(ADA, BEA, REX, ROBO),
      does: fc.constantFrom("come", "go", "press", "off", "deafen", "role", "lose"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const world = await openWorld({ heardRoles: [HEARD_ROLE] });
        await world.move([ADA], DECK);
        await world.give("join", ADA);
        const here = new Set<UserId>([ADA]);
        const pressed = new Set<UserId>();
        const silent = new Set<UserId>();
        for (const { who, does } of steps) {
          const has = world.roles.get(who) ?? [];
          if (does === "come") await world.move([who], DECK);
          const goes = does === "go" && who !== ADA; // without her, the call may end
          if (goes) await world.move([who], CABIN);
          if (does === "press") await world.press(who);
          if (does === "off") await world.press(who, "off");
          if (does === "deafen") await world.give("deafen", who);
          if (does === "role") world.roles.set(who, [...has, HEARD_ROLE]);
          if (does === "lose" && who !== ADA) world.roles.set(who, []); // without hers, it ends
          if (does === "come") here.add(who);
          if (goes) here.delete(who);
          if (does === "off" || does === "deafen") void (silent.add(who), pressed.delete(who));
          await world.wait(does === "role" || does === "lose" ? 61_000 : 0); // until roles are read again
          await world.move([]);
          const may = (id: UserId) => has !== undefined && world.roles.get(id)?.includes("31");
          if (does === "press" && may(who) && who !== ROBO) {
            pressed.add(who);
            silent.delete(who);
          }
          for (const id of world.heard()) {
            assert.ok(here.has(id) && !silent.has(id) && id !== ROBO, `${id} after ${does}`);
            assert.ok(pressed.has(id) || world.roles.get(id)?.includes(HEARD_ROLE), `${id} agreed`);
          }
        }
      }),
      { numRuns: cases(12, 300) },
    );
  });
});

describe("[V2] a person who never pauses", () => {
  it("is decoded no longer once a read finds their role gone", async () => {
    const world = await openWorld({ heardRoles: [HEARD_ROLE] });
    world.roles.set(BEA, ["31", HEARD_ROLE]);
    await world.move([ADA, BEA], DECK);
    await world.give("join", ADA);
    assert.deepEqual(world.heard(), [BEA]);
    world.roles.set(BEA, ["31"]);
    await world.wait(61_000);
    const piece = { userId: BEA, pcm: new Int16Array(48_000), endedAt: 0, end: "cut" } as const;
    world.call().tell({ kind: "piece", piece });
    await world.rest();
    assert.deepEqual(world.heard(), []);
  });
});

describe("[V3] consent", () => {
  it("names at the join the heard people, the receivers of speech, and its storage", async () => {
    const world = await openCall([ADA]);
    const [card, ...others] = world.posts();
    assert.deepEqual(others, []);
    assert.equal(card?.channelId, DECK);
    assert.match(card?.content ?? "", /only people who press \*\*Hear me\*\*/);
    assert.match(
      card?.content ?? "",
      /Speech and its words go to this machine, `https:\/\/api\.openai\.com`\./,
    );
    assert.match(card?.content ?? "", /and no sound\./);
    assert.match(card?.buttons[0] ?? "", /^hear:on:call\d$/);
  });

  it("asks newcomers once in a call, together, and no stranger and no bot", async () => {
    const world = await openCall([ADA]);
    await world.wait(10_000);
    world.roles.set(SELF, []);
    await world.move([BEA], DECK);
    await world.move([REX, ROBO], DECK);
    await world.wait(10_000);
    const asked = world.posts().slice(1);
    assert.equal(asked.length, 1);
    assert.match(
      asked[0]?.content ?? "",
      /^<@72>, may I hear you\?.*\nSpeech and its words go to this machine/,
    );
    assert.deepEqual(asked[0]?.pings, [BEA]);
    await world.move([BEA]);
    await world.move([BEA], DECK);
    await world.wait(10_000);
    assert.equal(world.posts().length, 2);
    await world.press(BEA);
    assert.deepEqual(world.heard(), [BEA]);
  });

  it("asks all again once speech goes elsewhere, or more is kept", async () => {
    const world = await openCall([ADA]);
    const old = world.posts()[0]?.buttons[0] ?? "";
    await world.press(ADA);
    assert.deepEqual(world.heard(), [ADA]);
    await world.reload({ pauseMs: 800 });
    assert.deepEqual(world.heard(), [ADA], "the terms are the same");
    await world.reload({ transcript: true });
    assert.deepEqual(world.heard(), []);
    assert.match(world.posts().at(-1)?.content ?? "", /I post all that I hear as text here/);
    assert.equal(world.calls.length, 2, "another call, with other consents");
    for (const baseUrl of ["http://api.openai.com/v1", "http://api.openai.com/v2"]) {
      await world.press(ADA);
      assert.deepEqual(world.heard(), [ADA]);
      const providers = {
        ...SPEECH.models.providers,
        openai: { kind: "openai-compatible", baseUrl },
      };
      await world.reload({ transcript: true }, { models: { providers } });
      assert.deepEqual(world.heard(), [], baseUrl);
      assert.match(
        world.posts().at(-1)?.content ?? "",
        /go to this machine, `http:\/\/api\.openai/,
      );
    }
    assert.match(await world.press(ADA, "on", old), /^This has changed meanwhile/);
    assert.deepEqual(world.heard(), []);
    await world.press(ADA);
    assert.deepEqual(world.heard(), [ADA]);
  });

  it("begins one call for several changes, and none if it was sent out meanwhile", async () => {
    const world = await openCall([ADA]);
    await Promise.all([
      world.reload({ transcript: true }),
      world.reload({ transcript: true, pauseMs: 900 }),
    ]);
    assert.equal(world.calls.length, 2);
    await Promise.all([world.give("leave", ADA), world.reload({})]);
    assert.equal(world.calls.length, 2);
  });

  it("counts a press for one call alone", async () => {
    const world = await openCall([ADA]);
    await world.press(ADA);
    const old = world.posts()[0]?.buttons[0] ?? "";
    await world.give("leave", ADA);
    assert.equal(await world.press(ADA, "on", old), "I am in no voice channel here.");
    await world.give("join", ADA);
    assert.deepEqual(world.heard(), []);
  });

  it("names the server of each model that can get words, in both modes", async () => {
    const providers = {
      ...SPEECH.models.providers,
      far: {
        kind: "openai-compatible",
        baseUrl: "https://far.example/v1",
        models: { big: {} }, // `/model` may choose it
      },
    };
    const voice = { mode: "realtime", realtime: "openai/gpt-realtime" };
    const world = await openCall([ADA], voice, { further: { models: { providers } } });
    assert.match(
      world.posts()[0]?.content ?? "",
      /go to `https:\/\/api\.openai\.com`, this machine, `https:\/\/far\.example`\./,
    );
  });

  it("hears no one who refuses while the call begins", async () => {
    const world = await openWorld({ heardRoles: [HEARD_ROLE] });
    world.roles.set(ADA, [...world.roles.get(ADA) ?? [], HEARD_ROLE]);
    await world.move([ADA], DECK);
    const { choices, choose } = world.store.voice;
    const slow = Promise.withResolvers<void>();
    Object.assign(world.store.voice, {
      async choices(...of: Parameters<typeof choices>) {
        const stored = await choices(...of);
        await slow.promise;
        return stored;
      },
      async choose(...of: Parameters<typeof choose>) {
        await slow.promise; // the store answers in order
        return await choose(...of);
      },
    });
    const given = [world.give("join", ADA), world.give("deafen", ADA)];
    await world.rest();
    slow.resolve();
    await Promise.all(given);
    assert.equal(world.calls.length, 1);
    assert.deepEqual(world.heard(), []);
  });

  it("leaves a call that the config gives no server of speech any more", async () => {
    const world = await openCall([ADA]);
    await world.reload({}, { audio: { speak: "openai/tts-1" } });
    assert.deepEqual([world.calls.length, world.call().isLeft], [1, true]);
  });

  it("hears no person whose Stop has followed their press", async () => {
    const world = await openCall([ADA]);
    await Promise.all([world.press(ADA), world.press(ADA, "off")]);
    assert.deepEqual(world.heard(), []);
  });

  it("writes a forgotten caller into the store no second time", async () => {
    const world = await openCall([ADA]);
    await world.store.forgetting.forget(ADA, false);
    await world.wait(61_000);
    assert.deepEqual(world.rows("SELECT user_id FROM voice_call"), [{ user_id: null }]);
  });

  it("forgets a person's consent", async () => {
    const world = await openCall([BEA, ADA]);
    await world.press(ADA);
    await world.press(BEA);
    await world.store.forgetting.forget(ADA, false);
    world.forgotten(ADA);
    await Promise.resolve(); // the way to the thread
    assert.deepEqual(world.heard(), [BEA]);
    await world.rest();
    assert.deepEqual(world.heard(), [BEA]);
    assert.deepEqual(world.rows(`SELECT * FROM voice_choice WHERE user_id = '${ADA}'`), []);
  });

  it("forgets a person's words in minutes that are under way after the call", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const world = await openCall([BEA, ADA], { transcript: true }, { says: () => promise });
    await world.press(ADA);
    await world.press(BEA);
    for (const userId of [ADA, BEA, ADA, ADA]) {
      const piece = { userId, pcm: new Int16Array(48_000), endedAt: 0, end: "pause" } as const;
      world.call().tell({ kind: "piece", piece });
      await world.rest();
    }
    await world.give("leave", BEA);
    world.forgotten(ADA);
    resolve("Ada said hello.");
    await world.rest();
    const texts = world.scene.requests.map(({ body }) => body["content"]).join();
    assert.match(texts, /\*\*Nick 72\*\*: hello/);
    assert.doesNotMatch(texts, /## Summary/);
  });
});

describe("[V9] the end of a call", () => {
  const ends: readonly (readonly [VoiceEnd, RegExp | undefined, string])[] = [
    ["kicked", /^A moderator has ended my call in <#21>/, DECK],
    ["channel_deleted", /its voice channel was deleted/, HALL],
    ["udp_blocked", /firewall must let UDP out/, DECK],
    ["unreachable", /gives no connection/, DECK],
    ["left", undefined, DECK],
  ];
  for (const [end, says, where] of ends) {
    it(`tells of a call that ends: ${end}`, async () => {
      const world = await openCall([ADA]);
      world.call().end(end);
      await world.rest();
      const [card, told, ...more] = world.posts();
      assert.deepEqual(more, []);
      assert.equal(card?.buttons.length, end === "channel_deleted" ? 2 : 0);
      if (end !== "channel_deleted") assert.match(card?.content ?? "", /^My call here is over/);
      if (says) assert.match(told?.content ?? "", says);
      assert.equal(told?.channelId, says && where);
      assert.equal(await world.give("leave", ADA), "I am in no voice channel here.");
    });
  }

  const failures: readonly (readonly [VoiceEnd, RegExp, denied?: bigint])[] = [
    ["no_connect", /I lack the permission Connect/, 1n << 20n],
    ["no_speak", /I lack the permission Speak/, 1n << 21n],
    ["no_card", /I lack the permission Send Messages/, 1n << 11n],
    ["full", /^<#21> is full/, 0n],
    ["udp_blocked", /ports 50000 to 65535/],
    ["no_encryption", /gives no connection/],
  ];
  for (const [end, says, denied] of failures) {
    it(`answers with the reason if a call never begins: ${end}`, async () => {
      const world = await openWorld({}, denied === undefined ? { failing: end } : {});
      Object.assign(world.state, { denied: denied ?? 0n, limit: end === "full" ? 1 : 2 });
      await world.move([ADA], DECK);
      await world.move([BEA], CABIN);
      assert.match(await world.give("join", ADA), says);
      assert.deepEqual([world.posts(), world.failures()], [[], ""]);
      assert.equal(await world.give("leave", ADA), "I am in no voice channel here.");
    });
  }

  it("logs that a call is not end-to-end encrypted any more", async () => {
    const world = await openCall([ADA]);
    for (const isEndToEnd of [true, false, false]) {
      world.call().tell({ kind: "ready", isEndToEnd: isEndToEnd });
    }
    const told = world.lines.filter(({ event }) => /not end-to-end encrypted/.test(event));
    assert.equal(told.length, 1);
  });

  it("goes on after a kill, with the consents and without a second card", async () => {
    const before = await openCall([ADA, BEA]);
    await before.press(BEA);
    await before.give("deafen", ADA);
    const world = await openWorld({}, { before });
    await world.rest();
    assert.equal(world.calls.length, 0, "no person is known to be there");
    await world.move([ADA, BEA], DECK);
    assert.equal(world.calls.length, 1);
    assert.deepEqual(world.heard(), [BEA]);
    assert.equal(world.posts().length, 1);
    world.roles.set(REX, ["31"]);
    await world.move([REX], DECK);
    await world.wait(10_000);
    assert.deepEqual(world.posts().at(-1)?.pings, [REX]);
  });

  it("ends with the process if the people are gone, or much time has passed", async () => {
    for (const [awayMs, channel] of [[0, undefined], [11 * 60_000, DECK]] as const) {
      const before = await openCall([ADA]);
      await before.press(ADA);
      before.clock.sleep(awayMs);
      const world = await openWorld({}, { before });
      await world.move([ADA], channel);
      await world.wait(61_000);
      assert.equal(world.calls.length, 0);
      assert.deepEqual(world.rows("SELECT * FROM voice_call"), []);
      assert.deepEqual(world.rows("SELECT * FROM voice_choice"), []);
      const [card, ...others] = world.posts();
      assert.match(card?.content ?? "", /^My call here is over/);
      assert.deepEqual([card?.buttons, others], [[], []]);
    }
  });

  it("edits all its cards, also those of a process before, which was killed", async () => {
    const before = await openCall([ADA]);
    await before.move([BEA], DECK);
    await before.wait(10_000);
    const world = await openWorld({}, { before });
    await world.move([ADA, BEA], DECK);
    world.roles.set(REX, ["31"]);
    await world.move([REX], DECK);
    await world.wait(10_000);
    assert.deepEqual(world.posts().map(({ pings }) => pings), [[], [BEA], [REX]]);
    await world.give("leave", ADA);
    await world.rest();
    for (const { content, buttons } of world.posts()) {
      assert.match(content, /^My call here is over/);
      assert.deepEqual(buttons, []);
    }
    assert.equal(world.posts().length, 3);
  });

  it("leaves at a stop, and the next process goes on", async () => {
    const before = await openCall([ADA]);
    await before.press(ADA);
    await before.stop();
    assert.ok(before.call().isLeft);
    const world = await openWorld({}, { before });
    await world.move([ADA], DECK);
    assert.deepEqual(world.heard(), [ADA]);
  });

  it("stays out after a kick, also over a start", async () => {
    const before = await openWorld({ autoJoin: [DECK] });
    await before.move([ADA], DECK);
    before.call().end("kicked");
    await before.rest();
    await before.move([BEA], DECK);
    assert.equal(before.calls.length, 1);
    const world = await openWorld({ autoJoin: [DECK] }, { before });
    await world.move([ADA], DECK);
    assert.equal(world.calls.length, 0);
    await world.move([ADA]);
    await world.move([ADA], DECK);
    assert.equal(world.calls.length, 1);
  });
});

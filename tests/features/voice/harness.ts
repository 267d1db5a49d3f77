/**
 * A guild with voice channels and its people, on a whole account; the thread of its calls has no sound.
 * Discord, the servers of speech and the thread are the test's.
 */

import assert from "node:assert/strict";
import type { ChannelId, GuildId, UserId } from "../../../src/core/discord/ids.ts";
import type { OwnVoice } from "../../../src/core/discord/gateway.ts";
import type { ButtonPress } from "../../../src/core/inbound/inbound.ts";
import { createVoiceIndex } from "../../../src/discord/gateway/read/voice_index.ts";
import { RestError } from "../../../src/discord/rest/exchange/exchange.ts";
import { runHearPress, runVoiceCommand, runVoiceTool } from "../../../src/features/voice/calls.ts";
import { voice } from "../../../src/features/voice/feature.ts";
import type { HearAs, VoiceEnd } from "../../../src/features/voice/line.ts";
import { callsOfThread } from "../../../src/features/voice/thread_calls.ts";
import {
  type FromCall,
  LISTENS,
  type OfCall,
  type ToCall,
} from "../../../src/features/voice/thread.ts";
import "../../../src/features/voice/calls.ts"; // loaded on first use
import "../../../src/features/voice/talk.ts";
import { voices } from "../../../src/flows/turn/steps.ts";
import { partsOf } from "../../../src/interactions/base/command.ts";
import type { Given, TestAccount } from "../../support/bot/test_account.ts";
import { SELF as BOT, testAccount } from "../../support/bot/test_account.ts";
import type { DiscordRequest } from "../../support/discord/answers.ts";
import { sender } from "../../support/discord/builders.ts";
import { callOf } from "../../support/discord/calls.ts";
import { guildData } from "../../support/discord/payloads.ts";
import { featuresChanged, startFeatures, stopFeatures } from "../../../src/account/features.ts";

export const SELF = BOT.userId;
export const GUILD = "1600000000000000001" as GuildId;
export const [DECK, CABIN, STAGE, HALL] = ["21", "22", "23", "24"] as [
  ChannelId,
  ChannelId,
  ChannelId,
  ChannelId,
];
/** Rex is no person whom the config lets in; Robo is a bot. */
export const [ADA, BEA, REX, ROBO] = ["71", "72", "73", "74"] as [UserId, UserId, UserId, UserId];
const ALLOWED = "31";
export const HEARD_ROLE = "32";
/** View Channel, Send Messages, Connect, Speak. */
const RIGHTS = (1n << 10n) | (1n << 11n) | (1n << 20n) | (1n << 21n);

export const SPEECH = {
  audio: { transcribe: "near/whisper", speak: "openai/tts-1" },
  models: {
    providers: {
      near: { kind: "openai-compatible", baseUrl: "http://127.0.0.1:9000/v1" },
      openai: { kind: "openai-compatible", baseUrl: "https://api.openai.com/v1" },
    },
  },
  agents: { defaults: { model: "near/llama" } },
};

interface FakeCall {
  readonly channelId: ChannelId;
  heard: ReadonlyMap<UserId, HearAs>;
  isLeft: boolean;
  /** The thread tells this. */
  tell(told: FromCall): void;
  end(how: VoiceEnd): void;
}

export interface Post {
  readonly channelId: string;
  readonly content: string;
  readonly buttons: readonly string[];
  readonly pings: readonly string[];
}

/** @param voiceKeys Keys of `voice`. */
export async function openWorld(
  voiceKeys: object = {},
  { before, failing, further = {}, ...more }: Pick<Given, "says"> & {
    /** The process before, which was killed. */
    readonly before?: { readonly scene: TestAccount };
    /** How calls end before they begin. */
    readonly failing?: VoiceEnd;
    /** Keys beside `channels`. */
    readonly further?: object;
  } = {},
) {
  const roles = new Map<UserId, readonly string[]>([
    [ADA, [ALLOWED]],
    [BEA, [ALLOWED]],
    [REX, []],
    [ROBO, [ALLOWED]],
    [SELF, []],
  ]);
  const state = {
    isDown: false,
    denied: 0n, // rights of the bot's channels that no one has
    limit: 0, // of people in a voice channel
    failing,
    reads: 0, // of members
    calls: before ? 9 : 0,
    patches: [] as unknown[],
    refusesPatches: false,
    /** Text of each piece. */
    words: "hello",
  };
  const calls: FakeCall[] = [];
  const said: string[] = [];
  const channels = [[DECK, 2], [CABIN, 2], [STAGE, 13], [HALL, 0]] as const;
  const overwrites = () => [{ id: GUILD, type: 0, allow: "0", deny: `${state.denied}` }];
  const shown = () =>
    channels.map(([id, type]) => ({
      ...{ id, type, name: id, permission_overwrites: overwrites(), user_limit: state.limit },
    }));

  function answer({ method, path, body }: DiscordRequest): unknown {
    if (state.isDown) return new RestError("is down", { kind: "unavailable", route: path });
    if (path.endsWith("/voice-states/@me")) {
      if (!state.refusesPatches) return { count: state.patches.push(body) };
      return new RestError("is refused", { kind: "forbidden", route: path, code: 50_013 });
    }
    if (method !== "GET") return undefined;
    const [, userId = ""] = /\/members\/(\d+)$/.exec(path) ?? [];
    if (userId) {
      if (userId !== SELF) state.reads++;
      const of = roles.get(userId as UserId);
      const user = { id: userId, username: `user${userId}`, bot: userId === ROBO };
      if (of) return { user, nick: `Nick ${userId}`, roles: of };
      return new RestError("is no member", { kind: "not_found", route: path, code: 10007 });
    }
    if (path.endsWith("/channels")) return shown();
    const [, channelId] = /^\/channels\/(\d+)$/.exec(path) ?? [];
    if (channelId) return shown().find(({ id }) => id === channelId);
    if (path.includes("/channels/")) return undefined;
    const role = { id: GUILD, name: "@everyone", permissions: `${RIGHTS}`, position: 0 };
    return { id: GUILD, owner_id: "1", roles: [role] };
  }

  const index = createVoiceIndex(() => {});
  /** Discord moves a person or the bot; absent: out of all channels. */
  function put(userId: UserId, channelId?: ChannelId, suppress = false): void {
    const user = { id: userId, bot: userId === ROBO || userId === SELF };
    const d = {
      ...{ guild_id: GUILD, user_id: userId, channel_id: channelId ?? null, session_id: "s" },
      ...{ mute: false, self_mute: false, suppress },
      member: { user, roles: roles.get(userId) },
    };
    index.apply({ t: "VOICE_STATE_UPDATE", d } as never);
  }

  function setVoice({ channelId }: OwnVoice): void {
    put(SELF, channelId, channelId === STAGE);
    const server = { guild_id: GUILD, token: `t${calls.length}`, endpoint: "e:1" };
    if (channelId) index.apply({ t: "VOICE_SERVER_UPDATE", d: server } as never);
    else calls.forEach((call) => call.isLeft = true);
  }

  function openThread() {
    let take = (_: OfCall<FromCall> | typeof LISTENS) => {};
    const known = new Map<number, FakeCall>();
    queueMicrotask(() => take(LISTENS));
    return {
      on(event: string, handle: typeof take) {
        if (event === "message") take = handle;
      },
      postMessage({ call: number, ...message }: OfCall<ToCall>): void {
        const call = known.get(number);
        if (message.kind === "hear" && call) call.heard = message.people;
        if (message.kind === "close" && call) call.isLeft = true;
        if (message.kind !== "connect" || call) return;
        const { channelId, token } = message.target;
        const made: FakeCall = {
          channelId: channelId as ChannelId,
          heard: new Map(),
          isLeft: false,
          tell: (told) => take({ ...told, call: number }),
          end: (end) => take({ kind: "over", end, token, call: number }),
        };
        known.set(number, made);
        calls.push(made);
        if (state.failing) made.end(state.failing);
        else made.tell({ kind: "ready", isEndToEnd: true });
      },
      terminate: () => Promise.resolve(),
    } as never;
  }

  const discord = { guilds: { [GUILD]: { users: [`role:${ALLOWED}`] } } };
  const scene: TestAccount = await testAccount({
    ...{ discord, beside: { ...SPEECH, voice: voiceKeys, ...further }, answer, ...more },
    features: [voice],
    randomId: () => `call${++state.calls}`,
    voiceIndex: index,
    connection: { setVoice } as never,
    speech: {
      transcription: {
        ...{ modelId: "near/whisper", maxSec: 60 },
        transcribe: () => Promise.resolve(state.words),
      },
      voice: {
        modelId: "openai/tts-1",
        speak: () => assert.fail("no file is spoken"),
        async *speakPcm(text) {
          said.push(text);
          yield new Int16Array(480);
        },
      },
    },
    ...before && { before: before.scene },
  });
  const { account } = scene;
  callsOfThread(account).open = openThread;
  const { clock, rows, store } = scene;
  clock.advance((before?.scene.clock.now() ?? clock.now()) - clock.now());
  await scene.receive("READY", {});
  await scene.receive(
    "GUILD_CREATE",
    guildData({ channels: shown(), threads: [], roles: [{ id: ALLOWED, name: "crew" }] }),
  );
  startFeatures(account);

  /** Lets all work end that waits for no timer. */
  const rest = async () => {
    await scene.quiet();
    await scene.quiet();
  };
  await rest();
  let given: readonly string[] = [];

  /** What people see of the bot's messages. */
  function posts(): readonly Post[] {
    const shown: (Post & { readonly nonce: string })[] = [];
    for (const row of rows("SELECT nonce, draft_nonce, message FROM outbox ORDER BY id")) {
      const { channelId, content, buttons = [], pings } = JSON.parse(String(row["message"]));
      const names = buttons.map(({ customId }: { customId: string }) => customId);
      const at = shown.findIndex(({ nonce }) => nonce === row["draft_nonce"]);
      const post = { channelId, content, buttons: names, pings: pings.users };
      shown[at < 0 ? shown.length : at] = { ...post, nonce: String(row["nonce"]) };
    }
    return shown;
  }

  return {
    ...{ scene, account, state, calls, said, posts, store, rows, clock, roles, rest },
    lines: scene.lines,
    call: () => calls.at(-1) ?? assert.fail("no call began"),
    heard: () => [...calls.at(-1)?.heard.keys() ?? []].toSorted(),
    failures: () => voices(account).findings().map(({ why }) => why).join(),
    stop: () => stopFeatures(account),
    forgotten: (userId: UserId) => featuresChanged(account, userId),
    act: async (
      ...call: Parameters<typeof runVoiceTool> extends [unknown, ...infer R] ? R : never
    ) => {
      const acting = runVoiceTool(account, ...call);
      await rest();
      return await acting;
    },
    /** Moves people into a channel, or out of all. */
    async move(ids: readonly UserId[], channelId?: ChannelId): Promise<void> {
      for (const id of ids) put(id, channelId);
      await rest();
    },
    async wait(ms: number): Promise<void> {
      clock.advance(ms);
      await rest();
    },
    /** Gives a command; the text of its answer, whose buttons can be pressed as those of a card. */
    async give(name: "join" | "leave" | "deafen", by: UserId, channel?: ChannelId) {
      const answered = runVoiceCommand(
        account,
        callOf(name, {
          ...{ guildId: GUILD, channelId: HALL, sender: sender({ id: by }) },
          options: channel ? { channel } : {},
        }),
      );
      await rest();
      const { text, buttons = [] } = partsOf(await answered);
      given = buttons.map(({ customId }) => customId);
      return text;
    },
    /** The buttons of the newest answer. */
    given: (): readonly string[] => given,
    /** Presses a button of the newest card. */
    async press(by: UserId, how: "on" | "off" = "on", customId?: string): Promise<string> {
      const buttons = posts().findLast((one) => one.buttons.length > 0)?.buttons ?? [];
      const button = customId ?? buttons.find((id) => id.startsWith(`hear:${how}`));
      assert.ok(button, "there is no card");
      const answered = runHearPress(account, {
        guildId: GUILD,
        customId: button,
        sender: sender({
          id: by,
          roles: roles.get(by)?.map((id) => ({ id })) ?? [],
          ...by === ROBO && { automaton: "bot" },
        } as never),
      } as ButtonPress);
      await rest();
      return await answered;
    },
    async reload(keys: object, beside: object = {}): Promise<void> {
      await scene.reload({}, { ...SPEECH, ...further, ...beside, voice: keys });
      await rest();
    },
  };
}

/** A call in the channel {@link DECK}, which the first of these people began. */
export async function openCall(
  people: readonly [UserId, ...UserId[]],
  ...options: Parameters<typeof openWorld>
) {
  const world = await openWorld(...options);
  await world.move(people, DECK);
  await world.give("join", people[0]);
  return world;
}

/** A guild with voice channels, its people, and calls without sound, for tests of who is heard. */

import assert from "node:assert/strict";
import type { Config } from "../../../../src/config/config.ts";
import type { ChannelId, GuildId, RoleId, UserId } from "../../../../src/core/discord/ids.ts";
import type { VoiceMember } from "../../../../src/core/discord/voice.ts";
import type { ButtonPress } from "../../../../src/core/inbound/interactions.ts";
import type { GuildIndex } from "../../../../src/discord/gateway/decode/guild_index.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import type {
  CallEvents,
  HearAs,
  TalkPorts,
  VoiceEnd,
} from "../../../../src/extras/voice/line/call.ts";
import { createVoicePeople } from "../../../../src/extras/voice/people/account_people.ts";
import { partsOf } from "../../../../src/interactions/base/command.ts";
import { prepareAuthorize } from "../../../../src/policy/authorize.ts";
import type { Store } from "../../../../src/store/store.ts";
import type { Frozen } from "../../../../src/core/outbound/outbound.ts";
import { bareAccount, testAccount } from "../../../support/account.ts";
import { loadTestConfig } from "../../../support/config.ts";
import { sender } from "../../../support/discord/builders.ts";
import { callOf } from "../../../support/discord/calls.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { settle } from "../../../support/settle.ts";
import { openTestStore } from "../../../support/store/store.ts";

export const GUILD = "1600000000000000001" as GuildId;
export const [DECK, CABIN, STAGE, HALL] = ["21", "22", "23", "24"] as [
  ChannelId,
  ChannelId,
  ChannelId,
  ChannelId,
];
export const SELF = "900" as UserId;
/** Rex is no person whom the config lets in; Robo is a bot. */
export const [ADA, BEA, REX, ROBO] = ["71", "72", "73", "74"] as [UserId, UserId, UserId, UserId];
const ALLOWED = "31";
export const HEARD_ROLE = "32";
const VIEW_AND_TALK = (1n << 10n) | (1n << 20n) | (1n << 21n);

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
  readonly events: CallEvents;
  heard: ReadonlyMap<UserId, HearAs>;
  isLeft: boolean;
}

interface Post {
  readonly nonce: string;
  readonly channelId: string;
  readonly content: string;
  readonly buttons: readonly string[];
  readonly pings: readonly string[];
}

export interface World {
  readonly store: Store;
  readonly rows: ReturnType<typeof openTestStore>["rows"];
  readonly posts: Post[];
  readonly clock: FakeClock;
}

/** @param voice Keys of `voice`. */
export async function openWorld(
  voice: object = {},
  { before, failing, further = {} }: {
    /** The process before, which was killed. */
    readonly before?: Pick<World, "store" | "rows" | "posts" | "clock">;
    /** How calls end before they begin. */
    readonly failing?: VoiceEnd;
    /** Keys beside `channels`. */
    readonly further?: object;
  } = {},
) {
  const { store, rows } = before ?? openTestStore();
  const clock = new FakeClock(before?.clock.now());
  const rules = { guilds: { [GUILD]: { users: [`role:${ALLOWED}`] } } };
  const load = (keys: object, more: object = {}) =>
    loadTestConfig(rules, { ...SPEECH, voice: keys, ...further, ...more });
  let config: Config = await load(voice);
  const roles = new Map<UserId, readonly string[]>([
    [ADA, [ALLOWED]],
    [BEA, [ALLOWED]],
    [REX, []],
    [ROBO, [ALLOWED]],
    [SELF, []],
  ]);
  let members: readonly VoiceMember[] = [];
  const state = {
    isDown: false,
    denied: 0n, // rights of the bot's channels that no one has
    failing,
    reads: 0, // of members
    calls: before ? 9 : 0,
    patches: [] as unknown[],
    refusesPatches: false,
    forgotten: [] as UserId[], // by the talk
    rest: Promise.resolve(), // of the talk, after the call
    talk: undefined as TalkPorts | undefined,
  };
  const calls: FakeCall[] = [];
  const said: string[] = [];
  let given: readonly string[] = [];
  const posts: Post[] = before?.posts ?? [];
  const channels = [[DECK, 2], [CABIN, 2], [STAGE, 13], [HALL, 0]] as const;
  const index = new Map([[GUILD, {
    id: GUILD,
    name: "reef",
    channels: new Map(channels.map(([id, type]) => [id, { id, name: id, type }])),
    roles: new Map([[ALLOWED, "crew"]]),
  }]]) as unknown as GuildIndex;

  function answer(method: string, path: string, body: unknown): unknown {
    if (state.isDown) throw new RestError("is down", { kind: "unavailable", route: path });
    if (method === "PATCH" && state.refusesPatches) {
      throw new RestError("is refused", { kind: "forbidden", route: path, code: 50_013 });
    }
    if (method === "PATCH") return void state.patches.push(body);
    const [, userId = ""] = /\/members\/(\d+)$/.exec(path) ?? [];
    if (userId) {
      state.reads++;
      const of = roles.get(userId as UserId);
      const user = { id: userId, username: `user${userId}`, bot: userId === ROBO };
      if (of) return { user, nick: `Nick ${userId}`, roles: of };
      throw new RestError("is no member", { kind: "not_found", route: path, code: 10007 });
    }
    if (path.endsWith("/channels")) {
      const overwrites = [{ id: GUILD, type: 0, allow: "0", deny: `${state.denied}` }];
      return channels.map(([id, type]) => ({ id, type, permission_overwrites: overwrites }));
    }
    const role = { id: GUILD, name: "@everyone", permissions: `${VIEW_AND_TALK}`, position: 0 };
    return { id: GUILD, owner_id: "1", roles: [role] };
  }

  /** Discord takes each nonce once. */
  function post({ message, draft }: Frozen): void {
    const { nonce, channelId, content, buttons = [], pings } = message;
    if (posts.some((one) => one.nonce === nonce)) return;
    const names = buttons.map(({ customId }) => customId);
    const at = draft ? posts.findIndex((one) => one.nonce === draft.nonce) : posts.length;
    posts[at] = { nonce, channelId, content, buttons: names, pings: pings.users };
  }

  const randomId = () => `call${++state.calls}`;
  const { account, lines } = testAccount({ randomId }, clock);
  const context = bareAccount({
    ...account,
    store: { ...store, outbox: { addAll: (all: readonly Frozen[]) => void all.forEach(post) } },
    config: () => config,
    self: () => ({ userId: SELF }),
    policy: () => ({
      policy: config.discord.access,
      authorize: prepareAuthorize(config.discord.access, new Map()),
    }),
    rest: {
      request: (method: string, path: string, { body }: { body?: unknown } = {}) =>
        new Promise((resolve) => resolve(answer(method, path, body))),
    },
    reader: { index },
    settings: { models: { of: () => ({ id: "near/llama" }) } },
    bot: { env: {}, logging: { secrets: () => ["sk-secret"] } },
  } as never);
  const people = createVoicePeople(
    context,
    { of: () => members },
    () =>
      Promise.resolve({
        join({ channelId }, events) {
          const call: FakeCall = { channelId, events, heard: new Map(), isLeft: false };
          calls.push(call);
          const end = state.failing;
          queueMicrotask(() => end ? events.ended(end) : events.ready(true));
          return {
            place: { guildId: GUILD, channelId },
            hear: (heard) => void (call.heard = heard),
            hold() {},
            speak: () => assert.fail("no talk speaks"),
            leave: () => Promise.resolve(void (call.isLeft = true)),
          };
        },
        stop: () => Promise.resolve(),
      }),
    () =>
      Promise.resolve((ports) => ({
        ...(state.talk = ports, {}),
        ...{ speechBegan() {}, piece() {}, frame() {}, heard() {} },
        forget: (userId) => void state.forgotten.push(userId),
        say: (text) => void said.push(text),
        stop: () => state.rest,
      })),
  );

  /** Lets all work end that waits for no timer. */
  async function rest(): Promise<void> {
    for (let round = 0; round < 60; round++) await settle();
  }

  const world = {
    ...{ state, calls, said, posts, store, rows, clock, people, lines, roles, rest },
    call: () => calls.at(-1) ?? assert.fail("no call began"),
    heard: () => [...calls.at(-1)?.heard.keys() ?? []].toSorted(),
    /** Moves people into a channel, or out of all. */
    async move(ids: readonly UserId[], channelId?: ChannelId): Promise<void> {
      const left = members.filter(({ userId }) => !ids.includes(userId));
      const base = { isMuted: false };
      members = [
        ...left,
        ...channelId
          ? ids.map((userId) => ({
            ...{ ...base, userId, channelId, isBot: userId === ROBO },
            roles: roles.get(userId)?.map((id) => id as RoleId),
          }))
          : [],
      ];
      people.calls.changed(GUILD);
      await rest();
    },
    async wait(ms: number): Promise<void> {
      clock.advance(ms);
      await rest();
    },
    /** Gives a command; the text of its answer, whose buttons can be pressed as those of a card. */
    async give(name: "join" | "leave" | "deafen", by: UserId, channel?: ChannelId) {
      const command = callOf(name, {
        ...{ guildId: GUILD, channelId: HALL, sender: sender({ id: by }) },
        options: channel ? { channel } : {},
      });
      const answered = people[name](command);
      await rest();
      const { text, buttons = [] } = partsOf(await answered);
      given = buttons.map(({ customId }) => customId);
      return text;
    },
    /** The buttons of the newest answer. */
    given: (): readonly string[] => given,
    /** Presses a button of the newest card. */
    async press(by: UserId, how: "on" | "off" = "on", customId?: string): Promise<string> {
      const buttons = posts.findLast((one) => one.buttons.length > 0)?.buttons ?? [];
      const button = customId ?? buttons.find((id) => id.startsWith(`hear:${how}`));
      assert.ok(button, "there is no card");
      const answered = people.press({
        guildId: GUILD,
        customId: button,
        sender: sender({
          id: by,
          roles: roles.get(by)?.map((id) => ({ id: id as RoleId })) ?? [],
          ...by === ROBO && { automaton: "bot" },
        }),
      } as ButtonPress);
      await rest();
      return await answered;
    },
    async reload(keys: object, more: object = {}): Promise<void> {
      config = await load(keys, more);
      people.calls.reconfigured();
      await rest();
    },
  };
  return world;
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

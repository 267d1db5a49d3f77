/**
 * The simulated Discord's voice: who is in which channel, the servers of the calls, and people who
 * speak and listen: `voice.join({ who: "ada", in: "Voice" })`.
 */

import { randomBytes } from "node:crypto";
import type { ChannelId, GuildId, UserId } from "../../src/core/discord/ids.ts";
import type { People } from "../actions/people.ts";
import type { Guild, VoiceState, World, WorldEvent } from "../world/world.ts";
import { createVoiceSwitches } from "./faults.ts";
import { VOICE_CLOSE, type VoiceCloseName } from "./frames.ts";
import { createGroup } from "./group.ts";
import {
  createPerson,
  type DaveLibrary,
  decodeHeard,
  encodeRecording,
  type Pcm,
  type Person,
} from "./person.ts";
import { createRoom, type Room } from "./room.ts";
import { startVoiceServer, type VoiceServer } from "./server.ts";
import type { Credential } from "./sessions.ts";
import {
  change,
  consequences,
  enter,
  follow,
  isAudible,
  leave,
  voiceChannel,
  type VoiceWish,
} from "../world/voice_states.ts";

interface PlaceOfMember {
  /** A username or a user's id. */
  readonly who: string;
  /** A voice channel, by name or id. */
  readonly in: string;
}

export interface VoiceDeps {
  readonly world: World;
  readonly people: Pick<People, "channel" | "user">;
  readonly host: string;
  readonly now: () => number;
  readonly random: () => number;
  /** Loads the library of end-to-end encryption; absent: calls have none. */
  readonly dave: (() => Promise<DaveLibrary>) | undefined;
  publish(events: readonly WorldEvent[]): void;
}

const TICK_MS = 10;

/** Starts it; it is long because its functions share the calls. */
export async function startVoice(deps: VoiceDeps) {
  const { world, people, now, publish } = deps;
  const switches = createVoiceSwitches(deps.dave !== undefined);
  const rooms = new Map<ChannelId, Room>();
  const persons = new Map<UserId, { readonly person: Person; readonly room: Room }>();
  const keyless = new Set<UserId>();
  const credentials = new Map<string, Credential>();
  const servers: VoiceServer[] = [];
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let dave: DaveLibrary | undefined;
  let library: Promise<DaveLibrary> | undefined;
  let ticking: ReturnType<typeof setInterval> | undefined;
  let lastSsrc = 1_000;

  const later = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };
  const startServer = () =>
    startVoiceServer({
      ...{ host: deps.host, random: deps.random, switches, later },
      nextSsrc: () => lastSsrc += 1,
      isKnownGuild: (id) => [...world.guilds.keys()].some((known) => known === id),
    });
  let server = await startServer();
  servers.push(server);

  const isBot = (userId: UserId) => world.users.get(userId)?.isBot === true;
  const stateOf = (userId: UserId): readonly [Guild, VoiceState] | undefined => {
    for (const guild of world.guilds.values()) {
      const state = guild.things.voice.get(userId);
      if (state) return [guild, state];
    }
    return undefined;
  };
  const roomOf = (channelId: ChannelId): Room => {
    const known = rooms.get(channelId);
    if (known) return known;
    const isStage = world.channels.get(channelId)?.kind === "stage";
    const group = switches.isEndToEnd && !isStage ? createGroup(channelId, later) : undefined;
    const isHere = (userId: UserId, is: (state: VoiceState) => boolean) => {
      const [, state] = stateOf(userId) ?? [];
      return state?.channelId === channelId && is(state);
    };
    const room = createRoom(channelId, group, {
      maySpeak: (userId) => isHere(userId, isAudible),
      mayHear: (userId) => isHere(userId, ({ deaf, selfDeaf }) => !deaf && !selfDeaf),
    });
    rooms.set(channelId, room);
    return room;
  };
  const seat = (userId: UserId, channelId: ChannelId | undefined) => {
    const before = persons.get(userId);
    if (before && channelId && before.room === rooms.get(channelId)) return;
    before?.person.stop();
    before?.room.leave(userId);
    persons.delete(userId);
    if (!channelId) return;
    const room = roomOf(channelId);
    const keys = keyless.has(userId) ? undefined : dave;
    const person = createPerson({ userId, ssrc: lastSsrc += 1 }, room, keys, { now, hears: isBot });
    for (const [of, frames] of before?.person.heard ?? []) person.heard.set(of, frames);
    persons.set(userId, { person, room });
    room.connect(person);
    if (keys) room.group?.greet(person);
    ticking ??= setInterval(() => {
      for (const one of persons.values()) one.person.tick(performance.now());
    }, TICK_MS);
  };
  const admit = (guildId: GuildId, { userId, sessionId, channelId }: VoiceState) => {
    const token = randomBytes(8).toString("hex");
    const credential = { token, guildId, userId, sessionId, room: roomOf(channelId) };
    credentials.set(`${guildId}/${userId}`, credential);
    server.admit(credential);
    publish([{ kind: "voice_server_changed", guildId, userId, token, endpoint: server.endpoint }]);
  };
  const expel = (guildId: GuildId, userId: UserId, why: VoiceCloseName) => {
    const credential = credentials.get(`${guildId}/${userId}`);
    credentials.delete(`${guildId}/${userId}`);
    for (const one of servers) if (credential) one.expel(credential.token, why);
  };
  const changed = ({ guildId, state, isGone }: Extract<WorldEvent, { kind: "voice_changed" }>) => {
    const { userId, channelId, sessionId } = state;
    if (!isBot(userId)) return seat(userId, isGone ? undefined : channelId);
    const credential = credentials.get(`${guildId}/${userId}`);
    const isSame = !isGone && credential?.sessionId === sessionId &&
      credential.room === rooms.get(channelId) && !server.isStale(credential.token);
    if (isSame) return;
    const isDeleted = credential && credential.room !== rooms.get(credential.room.channelId);
    expel(guildId, userId, isDeleted ? "callTerminated" : "disconnected");
    if (!isGone) admit(guildId, state);
  };
  const ready = async () => {
    if (switches.isEndToEnd) dave ??= await (library ??= deps.dave?.());
  };
  const personOf = (who: string): Person => {
    const found = persons.get(people.user(who));
    if (!found) throw new RangeError(`Cannot find ${who} in a voice channel: let them join first`);
    return found.person;
  };
  const placeOf = (place: PlaceOfMember) => {
    const channel = voiceChannel(world, people.channel(place.in).id);
    const guild = channel && world.guilds.get(channel.guildId);
    if (!channel || !guild) throw new RangeError(`Cannot join ${place.in}: no voice channel`);
    return { channel, guild, userId: people.user(place.who) };
  };
  const sessions = () => servers.flatMap((one) => [...one.sessions]);

  const faults = Object.assign(switches, {
    /** Closes every voice connection with a code, or cuts it without one. */
    drop(how: VoiceCloseName | "cut"): void {
      for (const { connection } of sessions()) {
        if (how === "cut") connection?.cut();
        else connection?.close(VOICE_CLOSE[how][0], VOICE_CLOSE[how][1]);
      }
    },
    /** Moves all calls to another server, as when Discord changes a region. */
    async moveServer(): Promise<void> {
      const seats = [...persons].map(([userId, { room }]) => [userId, room.channelId] as const);
      const before = server;
      server = await startServer();
      servers.push(server);
      rooms.clear();
      for (const { userId, guildId, token } of [...credentials.values()]) {
        const state = stateOf(userId)?.[1];
        before.expel(token, "callTerminated");
        if (state) admit(guildId, state);
      }
      for (const [userId, channelId] of seats) seat(userId, channelId);
    },
    /** Sends datagrams as they are to every client. */
    sendDatagrams(datagrams: readonly Uint8Array[]): void {
      for (const { transport } of sessions()) {
        if (!transport) continue;
        for (const one of datagrams) server.sendUdp(one, transport.port, transport.address);
      }
    },
  });

  return {
    /** Carries out op 4. */
    follow: (userId: UserId, sessionId: string, wish: VoiceWish): void =>
      publish(follow(world, userId, sessionId, wish)),
    /** A gateway session is over, and with it its place in a channel. */
    sessionEnded(sessionId: string): void {
      for (const guild of world.guilds.values()) {
        for (const state of [...guild.things.voice.values()]) {
          if (state.sessionId === sessionId) publish(leave(guild, state.userId));
        }
      }
    },
    /** Draws the consequences of published events. */
    notice(events: readonly WorldEvent[]): void {
      for (const event of events) {
        if (event.kind === "voice_changed") changed(event);
        if (event.kind === "channel_deleted") rooms.delete(event.channel.id);
        publish(consequences(world, event));
      }
    },
    async close(): Promise<void> {
      clearInterval(ticking);
      for (const timer of timers) clearTimeout(timer);
      for (const { person } of persons.values()) person.stop();
      await Promise.all(servers.map((one) => one.close()));
    },
    control: {
      /** A person joins a channel, or goes to another. */
      async join(
        { isMuted = false, hasNoKeys = false, ...place }: PlaceOfMember & {
          readonly isMuted?: boolean;
          /** Whether it stays out of the end-to-end encryption, as its work for a crowd takes minutes. */
          readonly hasNoKeys?: boolean;
        },
      ): Promise<void> {
        await ready();
        const { channel, guild, userId } = placeOf(place);
        if (hasNoKeys) keyless.add(userId);
        else keyless.delete(userId);
        const events = follow(world, userId, `person-${userId}`, {
          guild_id: guild.id,
          channel_id: channel.id,
          self_mute: isMuted,
          self_deaf: false,
        });
        if (events.length === 0) throw new RangeError(`${place.who} may not join ${place.in}`);
        publish(events);
      },
      /** Takes a member out of its channel: a person leaves, a bot is disconnected. */
      leave(who: string): void {
        const [guild, state] = stateOf(people.user(who)) ?? [];
        if (guild && state) publish(leave(guild, state.userId));
      },
      /** A moderator moves a member. */
      move(place: PlaceOfMember): void {
        const { channel, guild, userId } = placeOf(place);
        const state = guild.things.voice.get(userId);
        if (!state) throw new RangeError(`Cannot move ${place.who}: they are in no voice channel`);
        publish(enter(world, guild, channel, state));
      },
      /** Changes a member's state, as a moderator does; `suppress` is of a stage. */
      set(who: string, to: Parameters<typeof change>[2]): void {
        const [guild, state] = stateOf(people.user(who)) ?? [];
        if (guild && state) publish(change(guild, state.userId, to));
      },
      /** A person speaks a recording. Resolves at its end, or once `hush` stops it. */
      async say(who: string, pcm: Pcm): Promise<void> {
        const person = personOf(who);
        await person.speak(await encodeRecording(pcm));
      },
      hush: (who: string): void => personOf(who).stop(),
      /** What a person heard of a bot. */
      heard(who: string, of: string) {
        const frames = [...personOf(who).heard.get(people.user(of)) ?? []];
        return {
          /** Milliseconds of sound, without pauses. */
          ms: frames.length * 20,
          /** Unix time in milliseconds of the first and the last frame. */
          firstAt: frames[0]?.at,
          lastAt: frames.at(-1)?.at,
          pcm: () => decodeHeard(frames),
        };
      },
      /** Forgets everything that a person heard. */
      forget: (who: string): void => personOf(who).heard.clear(),
      state: (who: string) => stateOf(people.user(who))?.[1],
      /** The connections of clients. */
      sessions,
      room: (name: string) => roomOf(people.channel(name).id),
      faults,
    },
  };
}

type Voice = Awaited<ReturnType<typeof startVoice>>;
export type VoiceControl = Voice["control"];

/**
 * Makes a small world for the demo and the tests.
 *
 * Its ids are the same in every run, so a config, a test or a second process can name them.
 */

import {
  addApplication,
  addBot,
  addChannel,
  addGuild,
  addMember,
  addPrivateChannel,
  addRole,
  addThread,
  addUser,
  addWebhook,
  createWorld,
  openDirectChannel,
  type WorldLimits,
} from "../world/create_world.ts";
import { PRIVILEGED_INTENTS } from "../world/intents.ts";
import type {
  Application,
  Guild,
  PrivateChannel,
  Role,
  TextChannel,
  Thread,
  User,
  Webhook,
  World,
} from "../world/world.ts";

/** When everything in it was made: 1 January 2026. */
const DEMO_FOUNDED_AT: number = Date.UTC(2026, 0, 1);

const DEFAULT_WORLD_LIMITS: WorldLimits = { nonceWindowMs: 180_000, keptPerChannel: 10_000 };

/** The demo's world, with a handle for each thing in it. */
export interface DemoWorld {
  readonly world: World;
  /** The bot "Barnacle". */
  readonly barnacle: Application;
  /** Another bot, in the first guild. */
  readonly otherBot: Application;
  readonly people: {
    /** Owns the application and the first guild. */
    readonly ada: User;
    /** A member of the first guild, with the role of helpers. */
    readonly grace: User;
    /** In no guild; can only write direct messages. */
    readonly mallory: User;
    /** Owns the second guild. */
    readonly edsger: User;
  };
  /** "Krill & Co" */
  readonly krill: Guild;
  readonly channels: {
    readonly general: TextChannel;
    readonly help: TextChannel;
    readonly offTopic: TextChannel;
    readonly thread: Thread;
  };
  readonly helpers: Role;
  /** "Elsewhere": the bot is a member, and no config lists it. */
  readonly elsewhere: Guild;
  readonly elsewhereGeneral: TextChannel;
  /** Mallory's direct messages with Barnacle. */
  readonly malloryDm: PrivateChannel;
  readonly groupDm: PrivateChannel;
  readonly webhook: Webhook;
}

export function demoWorld(limits: Partial<WorldLimits> = {}): DemoWorld {
  const world = createWorld({ ...DEFAULT_WORLD_LIMITS, ...limits });
  const at = DEMO_FOUNDED_AT;
  const ada = addUser(world, { username: "ada", globalName: "Ada" }, at);
  const grace = addUser(world, { username: "grace", globalName: "Grace" }, at);
  const mallory = addUser(world, { username: "mallory" }, at);
  const edsger = addUser(world, { username: "edsger" }, at);
  const portal = { ownerId: ada.id, privilegedIntents: PRIVILEGED_INTENTS };
  const barnacle = addApplication(world, { username: "Barnacle", ...portal }, at);
  const otherBot = addApplication(world, { username: "Limpet", ...portal }, at);

  const krill = addGuild(world, { name: "Krill & Co", ownerId: ada.id }, at);
  const helpers = addRole(world, krill, { name: "helpers", isMentionable: true }, at);
  addMember(krill, { userId: grace.id, joinedAt: at, roles: [helpers.id] });
  addBot(world, krill, barnacle, at);
  addBot(world, krill, otherBot, at);
  const general = addChannel(world, krill, { name: "general", topic: "All about krill" }, at);
  const help = addChannel(world, krill, { name: "help" }, at);
  const offTopic = addChannel(world, krill, { name: "off-topic" }, at);
  const thread = addThread(world, help, { name: "How do I feed krill?", ownerId: grace.id }, at);

  const elsewhere = addGuild(world, { name: "Elsewhere", ownerId: edsger.id }, at);
  addBot(world, elsewhere, barnacle, at);
  const elsewhereGeneral = addChannel(world, elsewhere, { name: "lounge" }, at);

  return {
    world,
    barnacle,
    otherBot,
    people: { ada, grace, mallory, edsger },
    krill,
    channels: { general, help, offTopic, thread },
    helpers,
    elsewhere,
    elsewhereGeneral,
    malloryDm: openDirectChannel(world, mallory.id, barnacle.userId, at),
    groupDm: addPrivateChannel(world, "group_dm", [ada.id, grace.id, barnacle.userId], at),
    webhook: addWebhook(world, "deploys", at, undefined, general.id),
  };
}

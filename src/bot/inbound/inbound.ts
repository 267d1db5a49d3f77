/**
 * The way in of a running account: who is judged how, and what is done about those who are not
 * let in at once.
 *
 * Strangers are given codes, owners are asked about them, PluralKit is asked about webhooks, names
 * in the config are found to be ids, and a guild that nobody has allowed is told of.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import type { UserId } from "../../core/discord/ids.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { InboundBatch } from "../../core/inbound/inbound.ts";
import type { PairingRequest, PairingService } from "../../core/inbound/pairing.ts";
import type { LookUp } from "../../core/inbound/pluralkit.ts";
import { createInteractions } from "../../discord/rest/calls/interactions.ts";
import { createChallenges, createPairingService } from "../../flows/receive/challenge.ts";
import { createPluralkit } from "../../flows/receive/pluralkit.ts";
import { createPressed } from "../../flows/receive/press.ts";
import { schedule } from "../../lib/schedule.ts";
import { createPluralkitClient, type PluralkitClient } from "../../pluralkit/client.ts";
import { createJudge, type Judge } from "./judge.ts";
import type { Store } from "../../store/store.ts";
import { namesOf, type NamesOptions } from "./names.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { OwnerIds } from "./owner_ids.ts";
import { routeOf } from "../rules/turn_rules.ts";

export interface InboundOptions extends NamesOptions {
  readonly store: Pick<Store, "inbox" | "pairing">;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  readonly owners: OwnerIds;
  readonly outbound: Pick<Outbound, "channelQueues" | "reachOwners" | "tellOwners">;
  /** Whether an account of this process has that user. */
  readonly isOurs: (userId: UserId) => boolean;
}

export interface Inbound {
  readonly judge: Judge;
  readonly pairingService: PairingService;
  /** Goes on where the last process stopped; to be awaited before anything is judged. */
  start(): Promise<void>;
  /** These wait for a fact. */
  undecided(judged: readonly Judged[]): void;
  /** These strangers have a code now. */
  challenged(requests: readonly PairingRequest[]): void;
  /** A batch was taken: what of it is not for the inbox is seen to. */
  heard(batch: InboundBatch): void;
  /** The gateway is ready: what takes Discord's help is done. */
  ready(): void;
  /** The config was read again, and the policy with it. */
  reconfigured(): void;
  stop(): Promise<void>;
}

/** @param onAccepted What was undecided is to be answered. */
export function createInbound(
  options: InboundOptions,
  onAccepted: (accepted: readonly Judged[]) => void,
): Inbound {
  const { config, store, client, policy, owners, outbound, logging, isOurs, now } = options;
  const { accountId } = config().discord;
  const common = { accountId, schedule, random: Math.random, now };
  const log = logging.forPart("pairing");
  const texts = () => config().texts;

  const asks = pluralkitBy(options);
  const pluralkit = createPluralkit({
    ...common,
    store: store.inbox,
    lookUp: asks.lookUp,
    ruleOf: (path) => policy.now().policy.ruleOf(path),
    judge: (message, known) => judge.judge(message, known),
    route: (message) => routeOf(config())(message),
    onAccepted,
    log: logging.forPart("pluralkit"),
  });
  const judge = createJudge({ policy, isOurs, isProxied: pluralkit.isProxied, now });

  const challenges = createChallenges({
    ...common,
    store: store.pairing,
    tellOwners: (text, buttons) => outbound.reachOwners(text, { buttons }),
    texts,
    log,
  });
  const pressed = createPressed({
    async authorize({ kind, place, channelId, sender }) {
      // Where owners are written, Discord is not asked, and need not be there.
      const moment = policy.now().policy.commands.owners
        ? {}
        : { ownsApplication: await owners.ownsApplication(sender.id) };
      return policy.now().authorize({ kind, place, channelId, sender, needs: "owner" }, moment);
    },
    store: store.pairing,
    interactions: createInteractions(client),
    texts,
    onOutbox: ({ channelId }) => outbound.channelQueues.wake([channelId]),
    now,
    schedule,
    log,
  });
  const names = namesOf(options);

  return {
    judge,
    async start() {
      await pluralkit.start(); // whom it has spoken for must be known before anybody is judged
      challenges.start();
    },
    pairingService: createPairingService({ draw: randomBytes, texts }),
    undecided: pluralkit.undecided,
    challenged(requests) {
      outbound.channelQueues.wake(requests.map(({ channelId }) => channelId)); // what they are told is there
      challenges.challenged(requests);
    },
    heard(batch) {
      const { events, presses = [], deleted = [] } = batch;
      for (const event of events) {
        if (event.kind === "own_message") judge.spoke(event.channelId);
      }
      for (const press of presses) void pressed(press); // it never rejects
      if (deleted.length > 0) pluralkit.deleted(deleted);
      names.heard(batch);
    },
    ready: names.look,
    reconfigured() {
      asks.reconfigured();
      names.lookAnew();
    },
    async stop() {
      await Promise.all([pluralkit.stop(), challenges.stop(), names.stop()]);
      asks.stop();
    },
  };
}

/** PluralKit's client by the config of the moment; switched off, it is asked nothing. */
function pluralkitBy({ config, version, logging, now }: InboundOptions): {
  readonly lookUp: PluralkitClient["lookUp"];
  reconfigured(): void;
  stop(): void;
} {
  let by = config().discord.pluralkit;
  let client = made();

  function made(): PluralkitClient | undefined {
    const { enabled, token, apiUrl } = by;
    if (!enabled) return undefined;
    if (token) logging.addSecret(token.reveal());
    return createPluralkitClient({
      fetch,
      apiUrl,
      ...(token && { token: token.reveal() }),
      version,
      now,
      schedule,
    });
  }

  const off: LookUp = { kind: "failed", reason: "PluralKit is switched off" };
  return {
    lookUp: (id) => client?.lookUp(id) ?? Promise.resolve(off),
    reconfigured() {
      const { pluralkit } = config().discord;
      const isSame = pluralkit.enabled === by.enabled && pluralkit.apiUrl === by.apiUrl &&
        pluralkit.token?.reveal() === by.token?.reveal();
      if (isSame) return;
      by = pluralkit;
      client?.stop();
      client = made();
    },
    stop: () => client?.stop(),
  };
}

/**
 * Finds the bot's owners: those in `commands.ownerAllowFrom`, or else the application's owners at
 * Discord (P10). Keeps what Discord last said of the application, in this run or an earlier one.
 */

import { isDeepStrictEqual } from "node:util";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { ApplicationId, UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Application, askApplication } from "../../discord/rest/requests/application.ts";
import { latest } from "../../lib/cache.ts";
import { prepareRights } from "../../policy/admission.ts";

interface LastRead {
  id?: ApplicationId | undefined;
  ownerId?: UserId | undefined;
  /** The owner and the whole team. */
  team: readonly UserId[];
  storedTeam: readonly UserId[];
  /** The names in the config have been searched, so an owner's name has its id or none. */
  readonly named: PromiseWithResolvers<void>;
  asked?: { readonly at: number; readonly answer: Promise<Application> } | undefined;
}

const lastRead = perAccount(
  "preflight",
  ({ stored: { self, ownerId, ownerIds = [] } }): LastRead => ({
    id: self?.applicationId,
    ownerId,
    team: ownerIds.length > 0 || ownerId === undefined ? ownerIds : [ownerId],
    storedTeam: ownerIds,
    named: Promise.withResolvers(),
  }),
);

/**
 * Asks Discord.
 *
 * @throws {RestError} If it does not answer.
 */
export function readApplication(account: BotAccount): Promise<Application> {
  const state = lastRead(account);
  const answer = askApplication(account.rest);
  state.asked = { at: account.now(), answer };
  answer.then(
    ({ id, ownerId, ownerIds: team }) => void Object.assign(state, { id, ownerId, team }),
    () => void (state.asked = undefined), // the caller handles it, and the next one asks again
  );
  return answer;
}

/** Stores the owner and the whole team for the next start, if they have changed. Never fails. */
export function storeOwners(account: BotAccount): void {
  const { store, accountId, log } = account;
  const state = lastRead(account);
  const { team } = state;
  if (isDeepStrictEqual(new Set(team), new Set(state.storedTeam))) return;
  store.gateway.saveOwners(accountId, team).then(
    () => void (state.storedTeam = team),
    (error: unknown) => log.warn("Cannot store the team of the application", { error }),
  );
}

export function applicationId(account: BotAccount): ApplicationId | undefined {
  return lastRead(account).id;
}

/** How long Discord's answer about the application is reused, in milliseconds. */
const FRESH_MS = 10 * 60_000;

const byPolicy = perAccount(
  "access",
  (account) => latest(() => account.policy().policy, (policy) => prepareRights(policy).isOwner),
);

/** Whether the sender of a message is an owner of the bot, by Discord's answer as last read. */
export function isOwner(account: BotAccount, { sender }: Pick<InboundMessage, "sender">): boolean {
  return byPolicy(account)()(sender, {
    ownsApplication: ownsApplicationAsRead(account, sender.id),
  });
}

/**
 * Owners that Barnacle can write to: the ids of a list, or the application's owner, but not the
 * whole team. If a list has names only, it waits until Barnacle has looked them up.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function ownersToTell(account: BotAccount): Promise<readonly UserId[]> {
  if (listedOwners(account)?.length === 0) await lastRead(account).named.promise;
  const listed = listedOwners(account);
  if (listed) return listed;
  const { ownerId } = await application(account);
  return ownerId ? [ownerId] : [];
}

export function namesLookedUp(account: BotAccount): void {
  lastRead(account).named.resolve();
}

/**
 * Whether Discord names a user as the application's owner, or as a member of its team.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function ownsApplication(account: BotAccount, userId: UserId): Promise<boolean> {
  return (await application(account)).ownerIds.includes(userId);
}

/**
 * The same as last read. It never waits, because turns do not wait for it: it asks Discord beside, and
 * the next call has the answer. If the config names owners, Discord is not asked, and names none.
 */
export function ownsApplicationAsRead(account: BotAccount, userId: UserId): boolean {
  if (account.policy().policy.commands.owners) return false;
  application(account).catch(() => {}); // the last answer counts until there is another
  return lastRead(account).team.includes(userId);
}

/**
 * The user whose direct messages are the main session (S1): the first of the list, or else the
 * application's owner as last read. It never waits, because a message's session is fixed as the
 * message is stored.
 */
export function sessionOwner(account: BotAccount): UserId | undefined {
  const listed = listedOwners(account);
  return listed ? listed[0] : lastRead(account).ownerId;
}

/** The ids of the config's list; `undefined` without a list. */
export function listedOwners({ policy }: BotAccount): readonly UserId[] | undefined {
  return policy().policy.commands.owners
    ?.flatMap((entry) => entry.kind === "user" ? [entry.id] : []);
}

function application(account: BotAccount): Promise<Application> {
  const { asked } = lastRead(account);
  return asked && account.now() - asked.at < FRESH_MS ? asked.answer : readApplication(account);
}

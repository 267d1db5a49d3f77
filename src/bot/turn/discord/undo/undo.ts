/**
 * Takes back what the tool `discord` has done (T3): for ten minutes, by the person who asked or by an
 * owner of the bot, and only with the rights that this needs at Discord.
 *
 * The command `/undo` and the tool use the same function.
 *
 * @module
 */

import type { AccountId } from "../../../../core/discord/ids.ts";
import type { Need } from "../../../../core/rights/rights.ts";
import type { UndoneAction, UndoSteps } from "../../../../core/turn/ports/discord_place.ts";
import type { RestApi } from "../../../../discord/rest/client/client.ts";

import type { Found, Origin, Targets } from "../targets/targets.ts";
import { UNDO_MINUTES } from "./can_undo.ts";
import { changedSince } from "./later_changes.ts";
import { badArguments, RefusedCall } from "../../../../core/refused_call.ts";
import type { MadeChange, ToolChanges } from "../../../../core/store/changes.ts";

/** The dependencies of undoing. */
export interface UndoOptions {
  /** Sends requests to Discord. */
  readonly client: RestApi;
  /** The account. */
  readonly accountId: AccountId;
  /** Changes by the tool `discord`, with the way to take each back. */
  readonly changes: Pick<ToolChanges, "since" | "undone">;
  /** Checks the target of a call. */
  readonly targets: Targets;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/**
 * Takes a change back.
 *
 * @param origin The person, and the place in which they ask.
 * @param callKey Identifies the call: a crash may repeat it, and it takes one change back.
 * @param id Number of the change; absent: the newest that they may take back.
 * @throws {Error} If there is none, or they may not, with the reason in words.
 */
export type Undo = (origin: Origin, callKey: string, id?: number) => Promise<UndoneAction>;

/** Creates the undoing of one account. */
export function createUndo(
  { client, accountId, changes, targets, now }: UndoOptions,
): Undo {
  /** The changes of a place that a person may take back, newest first. */
  async function candidates({ askers, guildId }: Origin): Promise<readonly MadeChange[]> {
    const made = await changes.since(accountId, guildId, now() - UNDO_MINUTES * 60_000);
    const mayHere = (change: MadeChange) => change.guildId === guildId;
    return made.filter((change) =>
      askers.every(({ userId, isOwner }) =>
        isOwner || (userId === change.askerId && mayHere(change))
      )
    );
  }

  async function placeOf(origin: Origin, { guildId, channelId }: MadeChange): Promise<Found> {
    // The change has been made from here, so its server is in reach of this place.
    const there: Origin = guildId === undefined ? origin : { ...origin, guildId };
    return channelId === undefined
      ? await targets.guild(there, guildId)
      : await targets.channel(there, channelId);
  }

  async function needsOf({ undo }: MadeChange, found: Found): Promise<readonly Need[]> {
    const needs: Need[] = [...undo?.needs ?? []];
    if (undo?.holds !== undefined) needs.push({ kind: "holds", bits: BigInt(undo.holds) });
    if (undo?.role !== undefined) needs.push({ kind: "above_role", roleId: undo.role });
    if (undo?.overUser !== undefined) {
      const member = await found.guild?.reads.member(undo.overUser);
      if (member) needs.push({ kind: "outranks", member });
    }
    return needs;
  }

  /** Fields that people have changed after the action: their change stays. */
  async function laterChanges({ left, requests }: UndoSteps): Promise<readonly string[]> {
    if (!left) return [];
    return changedSince(left, await client.request("GET", left.path), requests[0]?.body);
  }

  return async (origin, callKey, id) => {
    const all = await candidates(origin);
    const done = all.find(({ undoneBy }) => undoneBy === callKey);
    if (done?.undo) return { id: done.id, what: done.what, does: done.undo.does };
    const change = id === undefined
      ? all.find(({ isUndone, undo }) => !isUndone && undo)
      : all.find((one) => one.id === id);
    if (!change) {
      throw badArguments(
        id === undefined
          ? `there is nothing of the last ${UNDO_MINUTES} minutes that this person may undo here`
          : `there is no change ${id} of the last ${UNDO_MINUTES} minutes that this person may undo here`,
      );
    }
    const { undo, what } = change;
    if (!undo) throw badArguments(`Discord does not let this be undone: ${what}`);
    if (change.isUndone) throw badArguments(`that is undone already: ${what}`);
    const found = await placeOf(origin, change);
    const needs = await needsOf(change, found);
    await targets.assertMay(origin, found, needs);
    let kept: readonly string[] = [];
    try {
      kept = await laterChanges(undo);
      for (const { method, path, body } of undo.requests) {
        const fields = method === "PATCH" && body ? without(body, kept) : body;
        const isWhole = method !== "PATCH" && kept.length > 0;
        if (isWhole || (fields && Object.keys(fields).length === 0)) {
          throw new RefusedCall(
            "changed",
            `it was changed again since, so it stays as it is now: ${what}`,
          );
        }
        await client.request(method, path, {
          ...(fields && { body: { ...fields } }),
          reason: `undone for ${origin.askers.map(({ userId }) => userId).join(", ")}`,
        });
      }
    } catch (error) {
      throw await targets.refusal(error, origin, found, needs);
    }
    await changes.undone(change.id, callKey, now());
    const but = kept.length === 0
      ? ""
      : `; it left alone what was changed again since: ${kept.join(", ")}`;
    return { id: change.id, what, does: undo.does + but };
  };
}

function without(body: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
}

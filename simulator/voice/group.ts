/**
 * The end-to-end encryption of one channel, as the voice server plays it: it proposes members, picks
 * the first valid commit of an epoch, welcomes, and has everybody change keys together.
 *
 * @see {@link https://daveprotocol.com}
 */

import { Buffer } from "node:buffer";
import type { ChannelId, UserId } from "../../src/core/discord/ids.ts";
import {
  addition,
  createExternalSender,
  number,
  ownerOf,
  readCommit,
  removal,
  vector,
} from "./mls.ts";
import type { Media } from "./packets.ts";

/** One end of a call: a client's connection, or a person of the simulator. */
export interface Participant {
  readonly userId: UserId;
  readonly ssrc: number;
  /** Gets a message of the voice gateway. */
  tell(op: number, d: unknown): void;
  /** Gets a binary message, which starts after its opcode. */
  tellBinary(op: number, body: Uint8Array): void;
  hear(from: UserId, media: Media): void;
}

export type Group = ReturnType<typeof createGroup>;

interface InFlight {
  readonly userId: UserId;
  readonly proposal: { readonly message: Buffer; readonly ref: Buffer };
  /** Set for an add. */
  readonly keyPackage?: Buffer;
  /** Set for a remove. */
  readonly leaf?: number;
}

/** How long the server waits for everyone's readiness. */
const TRANSITION_MS = 2_000;

export function createGroup(channelId: ChannelId, later: (ms: number, act: () => void) => void) {
  const sender = createExternalSender();
  const groupId = number(8, BigInt(channelId));
  const greeted = new Map<UserId, Participant>();
  const transitions = new Map<number, Set<UserId>>();
  let leaves: (UserId | undefined)[] = [];
  let inFlight: InFlight[] = [];
  let epoch = 0n;
  let lastTransition = 0;

  const send = (to: UserId, operation: 0 | 1, items: readonly Buffer[]) => {
    if (items.length === 0) return;
    greeted.get(to)?.tellBinary(27, Buffer.concat([number(1, operation), vector(...items)]));
  };
  /** Those who keep a group, and so take proposals about another. */
  const committers = (about: UserId) =>
    [...greeted.keys()].filter((userId) =>
      userId !== about &&
      (epoch > 0n ? leaves.includes(userId) : inFlight.some((one) => one.userId === userId))
    );
  const propose = (userId: UserId, what: Pick<InFlight, "keyPackage" | "leaf">) => {
    const body = what.keyPackage ? addition(what.keyPackage) : removal(what.leaf ?? 0);
    const proposal = sender.propose(groupId, epoch, body);
    for (const to of committers(userId)) send(to, 0, [proposal.message]);
    inFlight.push({ userId, proposal, ...what });
  };
  const revokeAdd = (userId: UserId) => {
    const revoked = inFlight.filter((one) => one.userId === userId && one.keyPackage);
    inFlight = inFlight.filter((one) => !revoked.includes(one));
    for (const to of committers(userId)) {
      send(to, 1, revoked.map(({ proposal }) => vector(proposal.ref)));
    }
  };
  const proposeRemoval = (userId: UserId) => {
    const leaf = leaves.indexOf(userId);
    const isProposed = inFlight.some((one) => one.leaf === leaf);
    if (leaf >= 0 && !isProposed) propose(userId, { leaf });
  };
  const reset = () => {
    epoch = 0n;
    leaves = [];
    inFlight = [];
    transitions.clear();
    for (const participant of greeted.values()) {
      participant.tell(24, { protocol_version: 1, epoch: 1 });
      participant.tell(21, { protocol_version: 1, transition_id: 0 });
    }
  };
  const execute = (id: number) => {
    if (!transitions.delete(id)) return;
    for (const participant of greeted.values()) participant.tell(22, { transition_id: id });
  };

  return {
    /** 0 before the first commit. */
    epoch: () => epoch,
    /** Takes a participant in, whose key package follows. */
    greet(participant: Participant): void {
      greeted.set(participant.userId, participant);
      participant.tellBinary(25, sender.packaged);
    },
    keyPackage(userId: UserId, keyPackage: Buffer): void {
      if (ownerOf(keyPackage) !== userId) return;
      revokeAdd(userId);
      proposeRemoval(userId);
      const others = inFlight.filter((one) => one.userId !== userId);
      propose(userId, { keyPackage });
      if (epoch === 0n) send(userId, 0, others.map(({ proposal }) => proposal.message));
    },
    /** Takes a commit, with the welcome after it. */
    commit(userId: UserId, bytes: Buffer): void {
      const commit = readCommit(bytes, groupId);
      const due = inFlight.filter((one) => epoch > 0n || one.userId !== userId);
      const chosen =
        commit?.refs.flatMap((ref) => due.find(({ proposal }) => proposal.ref.equals(ref)) ?? []) ??
          [];
      const isOwnLeaf = epoch > 0n ? leaves[commit?.leaf ?? -1] === userId : commit?.leaf === 0;
      const isWhole = chosen.length === due.length && chosen.length === commit?.refs.length;
      if (commit?.epoch !== epoch || !isOwnLeaf || !isWhole || chosen.length === 0) return;
      const welcome = bytes.subarray(commit.message.length);
      const id = epoch === 0n ? 0 : lastTransition = lastTransition % 0xffff + 1;
      if (epoch === 0n) leaves = [userId];
      for (const { leaf } of chosen) if (leaf !== undefined) leaves[leaf] = undefined;
      const stay = leaves.filter((leaf) => leaf !== undefined);
      const transition = number(2, id);
      for (const member of stay) {
        greeted.get(member)?.tellBinary(29, Buffer.concat([transition, commit.message]));
      }
      for (const { userId: newcomer, keyPackage } of chosen) {
        if (!keyPackage) continue;
        const free = leaves.indexOf(undefined);
        leaves[free < 0 ? leaves.length : free] = newcomer;
        greeted.get(newcomer)?.tellBinary(30, Buffer.concat([transition, welcome]));
      }
      epoch += 1n;
      inFlight = [];
      if (id === 0) return;
      transitions.set(id, new Set(leaves.filter((leaf) => leaf !== undefined)));
      later(TRANSITION_MS, () => execute(id));
    },
    ready(userId: UserId, id: number): void {
      const waiting = transitions.get(id);
      if (waiting?.delete(userId) && waiting.size === 0) execute(id);
    },
    /** A participant could not read a commit or a welcome, and joins anew. */
    invalid(userId: UserId): void {
      revokeAdd(userId);
      proposeRemoval(userId);
    },
    leave(userId: UserId): void {
      if (!greeted.delete(userId)) return;
      revokeAdd(userId);
      for (const [id, waiting] of transitions) {
        if (waiting.delete(userId) && waiting.size === 0) execute(id);
      }
      if (epoch === 0n) return;
      const remain = leaves.some((leaf) => leaf !== undefined && greeted.has(leaf));
      if (greeted.size > 1 && remain) proposeRemoval(userId);
      else reset();
    },
  };
}

/** One voice channel on a voice server: who is in it, who hears whom, and its encryption. */

import type { ChannelId, UserId } from "../../src/core/discord/ids.ts";
import type { Group, Participant } from "./group.ts";
import type { Media } from "./packets.ts";

export type Room = ReturnType<typeof createRoom>;

/** @param group Absent without end-to-end encryption. */
export function createRoom(
  channelId: ChannelId,
  group: Group | undefined,
  { maySpeak, mayHear }: Readonly<Record<"maySpeak" | "mayHear", (userId: UserId) => boolean>>,
) {
  const participants = new Map<UserId, Participant>();
  /** Whom a speaker was named to: Discord does that once. */
  const named = new Set<string>();
  const others = (userId: UserId) =>
    [...participants.values()].filter((other) => other.userId !== userId);
  return {
    channelId,
    group,
    participants: participants as ReadonlyMap<UserId, Participant>,
    /** Tells a newcomer and the others of each other. */
    connect(participant: Participant): void {
      const { userId } = participant;
      participants.set(userId, participant);
      const present = others(userId);
      if (present.length > 0) {
        participant.tell(11, { user_ids: present.map((other) => other.userId) });
      }
      for (const other of present) {
        other.tell(11, { user_ids: [userId] });
        other.tell(18, { user_id: userId, flags: 2 }); // both undocumented, and sent by Discord
        other.tell(20, { user_id: userId, platform: 0 });
      }
    },
    /** A participant has left for good. */
    leave(userId: UserId): void {
      if (!participants.delete(userId)) return;
      for (const other of participants.values()) other.tell(13, { user_id: userId });
      group?.leave(userId);
    },
    speaking({ userId, ssrc }: Participant, speaking: number): void {
      for (const other of others(userId)) {
        const pair = `${ssrc} ${other.ssrc}`;
        if (!named.has(pair)) other.tell(5, { user_id: userId, ssrc, speaking });
        named.add(pair);
      }
    },
    /** Forwards a packet to everyone else who may hear it. */
    relay({ userId }: Participant, media: Media): void {
      if (!maySpeak(userId)) return;
      for (const other of others(userId)) if (mayHear(other.userId)) other.hear(userId, media);
    },
  };
}

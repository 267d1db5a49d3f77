/** Answers to `/catchup` (T17). */

export const CATCHUP_NOTICES = {
  catchUp: {
    text: "{server} since {since}, from {read} messages (`/why {id}`):",
    when: "a person uses `/catchup`, as the first line",
    placeholders: { server: "its name", since: "a time", read: "number of messages", id: "an ID" },
    example: "{server} seit {since}, aus {read} Nachrichten (`/why {id}`):",
  },
  catchUpPartly: {
    text: "Not read whole: {places}",
    when: "`/catchup` could not read all new messages, as the last line",
    placeholders: { places: "each channel, with the number of messages read, and of new ones" },
    example: "Nicht ganz gelesen: {places}",
  },
  catchUpNothing: {
    text: "Nothing new that I could read since {since}.",
    when: "`/catchup` finds no new message that the person may read",
    placeholders: { since: "a time, as Discord shows it" },
    example: "Nichts Neues seit {since}.",
  },
  catchUpFailed: {
    text: "Discord doesn't answer me just now. Try again in a minute.",
    when: "`/catchup` fails, because Discord does not answer",
    example: "Discord antwortet gerade nicht.",
  },
  catchUpLater: {
    text: "I can't catch you up just now. Give `/catchup` again in a minute.",
    when: "a person uses `/catchup` again at once, many people do, or it comes too late",
    example: "Gerade nicht, versuch es in einer Minute noch einmal.",
  },
} as const;

/** Sentences that Barnacle speaks in voice channels (V5, V8). */

export const TALK_NOTICES = {
  talkWorking: {
    text: "I am working on it. You will find the answer in the chat.",
    when: "a turn in a voice channel takes longer than eight seconds; the bot speaks it",
    example: "Ich arbeite daran. Die Antwort steht gleich im Chat.",
  },
  talkInChat: {
    text: "The rest is in the chat.",
    when: "an answer in a voice channel is too long to be spoken whole; the bot speaks it",
    example: "Der Rest steht im Chat.",
  },
  talkCard: {
    text: "For that I need a press on the card in the chat.",
    when: "a tool call of a turn in a voice channel waits for a person; the bot speaks it",
    example: "Dafür brauche ich einen Klick auf die Karte im Chat.",
  },
  talkUnheard: {
    text: "I could not understand you: my speech server does not answer. Please write to me here.",
    when:
      "the server that transcribes or speaks fails in a voice channel; once a minute, in its chat",
    example: "Ich konnte dich nicht verstehen. Bitte schreib mir hier.",
  },
  talkMinutes: {
    text: "Minutes of the call in {channel}",
    when: "`voice.transcript` is on, as the title of the thread with the words of a call",
    placeholders: { channel: "name of the voice channel" },
    example: "Protokoll aus {channel}",
  },
} as const;

/** Notices of calls in voice channels (V1, V3), and sentences that Barnacle speaks there (V5, V8). */

const CHANNEL = "the voice channel";
const WHO = "mentions of people";
const SPEECH = "the servers that get the speech and its words";

export const VOICE_NOTICES = {
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
  voiceCard: {
    text:
      "**I am in this voice channel.** I hear only people who press **Hear me**{roles}. A press " +
      "counts for this call, until they press **Stop**.",
    when: "the bot has joined a voice channel, in that channel's chat, as the first line",
    placeholders: { roles: "the roles that need no press" },
    example:
      "**Ich bin in diesem Sprachkanal.** Ich höre nur, wer **Hear me** drückt{roles}. Ein " +
      "Druck gilt für diesen Anruf, bis **Stop**.",
  },
  voiceSpeech: {
    text: "Speech and its words go to {speech}.",
    when: "people read where speech goes, as a line of `voiceCard` and `voiceAsk`",
    placeholders: { speech: SPEECH },
    example: "Sprache und ihre Worte gehen an {speech}.",
  },
  voiceRoles: {
    text: ", or have one of the roles {roles}",
    when: "`voice.heardRoles` names roles, as a part of `voiceCard`",
    placeholders: { roles: "mentions of the roles" },
    example: ", oder eine der Rollen {roles} hat",
  },
  voiceKept: {
    text: "I keep the words of talk with me like those of messages, and no sound.",
    when: "a call has no transcript, as a part of `voiceCard` and `voiceAsk`",
    example: "Ich behalte die Worte wie die von Nachrichten, und keinen Ton.",
  },
  voiceTranscribed: {
    text:
      "I post all that I hear as text here, where Discord keeps it. I keep the words of talk with " +
      "me like those of messages, and no sound.",
    when: "`voice.transcript` is on, as a part of `voiceCard` and `voiceAsk`",
    example: "Alles Gehörte steht hier als Text, den Discord behält. Ich behalte keinen Ton.",
  },
  voiceHere: {
    text: "this machine",
    when: "a server of speech runs on the bot's own machine, as a part of `voiceCard`",
    example: "diesen Rechner",
  },
  voiceAsk: {
    text: "{people}, may I hear you? Until you press **Hear me**, I hear nothing of you.",
    when: "people come into a call, as the first line",
    placeholders: { people: WHO },
    example: "{people}, darf ich euch hören? Erst nach **Hear me** höre ich euch.",
  },
  voiceHearMe: {
    text: "Hear me",
    when: "a button lets the bot hear the person who presses it",
    example: "Höre mich",
  },
  voiceStop: {
    text: "Stop",
    when: "a button stops the bot from hearing the person who presses it",
    example: "Nicht mehr",
  },
  voiceHeard: {
    text: "I hear you in this call. `/deafen me` ends it at once.",
    when: "a person has pressed **Hear me**",
    example: "Ich höre dich jetzt. `/deafen me` beendet das sofort.",
  },
  voiceDeaf: {
    text: "I do not hear you. It stays so until you press **Hear me**.",
    when: "a person gives `/deafen me`",
    example: "Ich höre dich nicht mehr.",
  },
  voiceChanged: {
    text: "This has changed meanwhile. Press the button of my newest message here.",
    when: "a person presses **Hear me** on the card of an earlier call",
    example: "Das hat sich geändert. Drück den Knopf der neuesten Nachricht.",
  },
  voiceJoined: {
    text: "I am in {channel}. I hear: {people}",
    when: "a person gives `/join`",
    placeholders: { channel: CHANNEL, people: "the people that it hears, some with a role" },
    example: "Ich bin in {channel}. Ich höre: {people}",
  },
  voiceLeft: {
    text: "I have left {channel}.",
    when: "a person gives `/leave`",
    placeholders: { channel: CHANNEL },
    example: "Ich habe {channel} verlassen.",
  },
  voiceNoCall: {
    text: "I am in no voice channel here.",
    when: "a command needs a call, and there is none",
    example: "Ich bin hier in keinem Sprachkanal.",
  },
  voiceOff: {
    text: "I join no voice channels: my config has no `voice`.",
    when: "a person gives `/join` without `voice` in the config",
    example: "Ich spreche hier nicht.",
  },
  voiceNoServer: {
    text: "I cannot hear or speak: my config lacks `{path}`.",
    when: "no server of speech is configured",
    placeholders: { path: "the missing key" },
    example: "Mir fehlt `{path}`.",
  },
  voiceWhere: {
    text: "Go into a voice channel first, or name one: `/join channel`.",
    when: "a person gives `/join` outside of voice channels",
    example: "Geh zuerst in einen Sprachkanal.",
  },
  voiceRefused: {
    text: "You may not call me into {channel}.",
    when: "the asker may not join the channel, or not talk to the bot there",
    placeholders: { channel: CHANNEL },
    example: "Du darfst mich nicht nach {channel} rufen.",
  },
  voiceMissing: {
    text: "I may not join {channel}: I lack the permission {permission}.",
    when: "the bot lacks a permission in a voice channel",
    placeholders: { channel: CHANNEL, permission: "its name at Discord" },
    example: "Mir fehlt in {channel} das Recht {permission}.",
  },
  voiceFull: {
    text: "{channel} is full.",
    when: "a voice channel has no room for the bot",
    placeholders: { channel: CHANNEL },
    example: "{channel} ist voll.",
  },
  voiceBusy: {
    text: "I am in a voice channel here with other people.",
    when: "a person gives `/join` or `/leave`, and the bot is in a call of others",
    example: "Ich bin hier mit anderen in einem Sprachkanal.",
  },
  voiceKicked: {
    text: "A moderator has ended my call in {channel}.",
    when: "a moderator disconnects the bot from a voice channel, or moves it",
    placeholders: { channel: CHANNEL },
    example: "Ein Moderator hat meinen Anruf in {channel} beendet.",
  },
  voiceDeleted: {
    text: "My call has ended: its voice channel was deleted.",
    when: "the voice channel of a call is deleted, where a person gave `/join`",
    example: "Der Sprachkanal wurde gelöscht.",
  },
  voiceBlocked: {
    text:
      "I cannot talk in {channel}: no sound comes through. My operator's firewall must let UDP " +
      "out, and its answers in (ports 50000 to 65535 of Discord's voice servers).",
    when: "no UDP packet of a voice server arrives",
    placeholders: { channel: CHANNEL },
    example: "In {channel} kommt kein Ton an: Die Firewall muss UDP durchlassen.",
  },
  voiceLost: {
    text:
      "I cannot talk in {channel}: Discord's voice server gives no connection. Try again later.",
    when: "a voice server gives no connection, or no encryption",
    placeholders: { channel: CHANNEL },
    example: "In {channel} gibt Discord keine Verbindung.",
  },
} as const;

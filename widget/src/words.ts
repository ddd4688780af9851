/** The widget's own words. `{x}` is filled in by `say`. Numbers, times and waits are worded by Intl. */
type Row = readonly [en: string, de: string, fi: string, es: string, fr: string];
const languages = ['en', 'de', 'fi', 'es', 'fr'];
const table = {
  open: ['Open chat', 'Chat öffnen', 'Avaa keskustelu', 'Abrir el chat', 'Ouvrir le chat'],
  close: ['Close chat', 'Chat schließen', 'Sulje keskustelu', 'Cerrar el chat', 'Fermer le chat'],
  unread: ['{n} unread', '{n} ungelesen', '{n} lukematta', '{n} sin leer', '{n} non lus'],
  chat: ['Chat', 'Chat', 'Keskustelu', 'Chat', 'Chat'],
  write: ['Write a message', 'Nachricht schreiben', 'Kirjoita viesti', 'Escriba un mensaje', 'Écrivez un message'],
  send: ['Send', 'Senden', 'Lähetä', 'Enviar', 'Envoyer'],
  attach: ['Attach a file', 'Datei anhängen', 'Liitä tiedosto', 'Adjuntar un archivo', 'Joindre un fichier'],
  person: [
    'Talk to a person',
    'Mit einem Menschen sprechen',
    'Keskustele ihmisen kanssa',
    'Hablar con una persona',
    'Parler à une personne',
  ],
  menu: ['More', 'Mehr', 'Lisää', 'Más', 'Plus'],
  mute: ['Turn sound off', 'Ton ausschalten', 'Ääni pois', 'Desactivar el sonido', 'Couper le son'],
  unmute: ['Turn sound on', 'Ton einschalten', 'Ääni päälle', 'Activar el sonido', 'Activer le son'],
  end: [
    'End conversation',
    'Unterhaltung beenden',
    'Lopeta keskustelu',
    'Terminar la conversación',
    'Terminer la conversation',
  ],
  forget: [
    'End chat and forget it on this device',
    'Chat beenden und auf diesem Gerät vergessen',
    'Lopeta keskustelu ja unohda se tällä laitteella',
    'Terminar el chat y olvidarlo en este dispositivo',
    'Terminer le chat et l’oublier sur cet appareil',
  ],
  fresh: [
    'Start a new conversation',
    'Neue Unterhaltung beginnen',
    'Aloita uusi keskustelu',
    'Empezar otra conversación',
    'Commencer une nouvelle conversation',
  ],
  resolved: [
    'This conversation is closed.',
    'Diese Unterhaltung ist beendet.',
    'Tämä keskustelu on päättynyt.',
    'Esta conversación está cerrada.',
    'Cette conversation est close.',
  ],
  offline: [
    'You are offline. What you write is sent when you are back.',
    'Sie sind offline. Was Sie schreiben, wird gesendet, sobald Sie wieder online sind.',
    'Olet offline-tilassa. Viestisi lähetetään, kun yhteys palaa.',
    'Está sin conexión. Lo que escriba se enviará cuando vuelva.',
    'Vous êtes hors ligne. Vos messages partiront à votre retour.',
  ],
  reconnecting: [
    'Reconnecting. What you write is kept.',
    'Verbindung wird wiederhergestellt. Was Sie schreiben, bleibt erhalten.',
    'Yhdistetään uudelleen. Kirjoittamasi säilyy.',
    'Reconectando. Lo que escriba se conserva.',
    'Reconnexion. Ce que vous écrivez est conservé.',
  ],
  refused: [
    'The chat cannot be reached.',
    'Der Chat ist nicht erreichbar.',
    'Keskusteluun ei saada yhteyttä.',
    'No se puede acceder al chat.',
    'Le chat est injoignable.',
  ],
  again: ['Try again', 'Erneut versuchen', 'Yritä uudelleen', 'Volver a intentar', 'Réessayer'],
  unsent: ['Not sent', 'Nicht gesendet', 'Ei lähetetty', 'No enviado', 'Non envoyé'],
  discard: ['Delete', 'Löschen', 'Poista', 'Borrar', 'Supprimer'],
  large: [
    '{name} is larger than 25 MB. Choose a smaller file.',
    '{name} ist größer als 25 MB. Wählen Sie eine kleinere Datei.',
    '{name} on yli 25 Mt. Valitse pienempi tiedosto.',
    '{name} supera los 25 MB. Elija un archivo más pequeño.',
    '{name} dépasse 25 Mo. Choisissez un fichier plus petit.',
  ],
  fileFailed: [
    '{name} was not uploaded.',
    '{name} wurde nicht hochgeladen.',
    'Tiedostoa {name} ei saatu lähetettyä.',
    'No se subió {name}.',
    '{name} n’a pas été envoyé.',
  ],
  fileGone: [
    '{name} cannot be opened now. Try again later.',
    '{name} lässt sich gerade nicht öffnen. Versuchen Sie es später.',
    'Tiedostoa {name} ei voi avata nyt. Yritä myöhemmin.',
    '{name} no se puede abrir ahora. Inténtelo más tarde.',
    '{name} ne peut pas être ouvert pour le moment. Réessayez plus tard.',
  ],
  source: [
    'Source: {n} {title}',
    'Quelle: {n} {title}',
    'Lähde: {n} {title}',
    'Fuente: {n} {title}',
    'Source : {n} {title}',
  ],
  back: [
    'Back to the conversation',
    'Zurück zur Unterhaltung',
    'Takaisin keskusteluun',
    'Volver a la conversación',
    'Retour à la conversation',
  ],
  page: ['Open the page', 'Seite öffnen', 'Avaa sivu', 'Abrir la página', 'Ouvrir la page'],
  next: [
    'You are next',
    'Sie sind als Nächstes dran',
    'Olet seuraavana',
    'Usted es el siguiente',
    'Vous êtes le prochain',
  ],
  queue: [
    'You are {nth}',
    'Sie sind an {nth} Stelle',
    'Olet jonossa {nth}',
    'Es el {nth} de la fila',
    'Vous êtes {nth}',
  ],
  waiting: [
    'We are finding a person for you',
    'Wir suchen einen Menschen für Sie',
    'Etsimme sinulle ihmistä',
    'Buscamos a una persona para usted',
    'Nous cherchons une personne pour vous',
  ],
  keep: [
    '; you can close this, we keep your place.',
    '; Sie können das Fenster schließen, Ihr Platz bleibt.',
    '; voit sulkea ikkunan, paikkasi säilyy.',
    '; puede cerrar esto, guardamos su lugar.',
    ' ; vous pouvez fermer, nous gardons votre place.',
  ],
  about: ['about {time}', 'etwa {time}', 'noin {time}', 'unos {time}', 'environ {time}'],
  soon: ['less than a minute', 'weniger als eine Minute', 'alle minuutti', 'menos de un minuto', 'moins d’une minute'],
  joined: [
    '{name} is with you',
    '{name} ist für Sie da',
    '{name} palvelee sinua',
    '{name} le atiende',
    '{name} est avec vous',
  ],
  agent: ['Support', 'Support', 'Asiakaspalvelu', 'Soporte', 'Support'],
  bot: ['Assistant', 'Assistent', 'Avustaja', 'Asistente', 'Assistant'],
  you: ['You', 'Sie', 'Sinä', 'Usted', 'Vous'],
  typing: ['{name} is typing', '{name} schreibt', '{name} kirjoittaa', '{name} escribe', '{name} écrit'],
  removed: ['Message deleted', 'Nachricht gelöscht', 'Viesti poistettu', 'Mensaje borrado', 'Message supprimé'],
  edited: ['edited', 'bearbeitet', 'muokattu', 'editado', 'modifié'],
  reply: ['New reply', 'Neue Antwort', 'Uusi vastaus', 'Nueva respuesta', 'Nouvelle réponse'],
} satisfies Record<string, Row>;

export type Word = keyof typeof table;

const ordinals: Record<string, (n: number) => string> = {
  en: (n) => `${n}${{ one: 'st', two: 'nd', few: 'rd' }[plural(n)] ?? 'th'}`,
  es: (n) => `${n}.º`,
  fr: (n) => (n === 1 ? '1er' : `${n}e`),
};
const plural = (n: number): string => new Intl.PluralRules('en', { type: 'ordinal' }).select(n);
const rightToLeft = /^(ar|dv|fa|he|iw|ku|ps|sd|ug|ur|yi)\b/i;

export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

export type Speech = ReturnType<typeof speak>;

/**
 * The first of `wanted` we have words for, else English. Times follow the first wanted language that the browser knows,
 * direction the first wanted at all: a page in Arabic reads from the right though our own words are English.
 */
export function speak(wanted: readonly string[]) {
  const language =
    wanted.map((each) => each.slice(0, 2).toLowerCase()).find((each) => languages.includes(each)) ?? 'en';
  const column = languages.indexOf(language);
  // "en" alone would count hours the American way for everybody.
  const locale = wanted.find((each) => /^[a-z]{2}(-[A-Z]{2})?$/.test(each) && each.startsWith(language)) ?? language;
  const minutes = new Intl.NumberFormat(language, { style: 'unit', unit: 'minute', unitDisplay: 'long' });
  const clock = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
  const date = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const say = (name: Word, values: Record<string, string | number> = {}): string =>
    fill(table[name][column] ?? '', values);

  return {
    language,
    direction: rightToLeft.test(wanted[0] ?? '') ? 'rtl' : 'ltr',
    say,
    time: (at: number): string => clock.format(at),
    /** "today", "yesterday", then the date */
    day(at: number, now: number): string {
      const days = Math.round((new Date(now).setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 86_400_000);
      const text = days < 2 ? relative.format(-Math.max(days, 0), 'day') : date.format(at);
      return text.charAt(0).toLocaleUpperCase(language) + text.slice(1);
    },
    /** Where somebody stands in the queue, as a sentence. */
    queue(position: number | null, seconds: number | null): string {
      const nth = position === null || position < 1 ? '' : (ordinals[language] ?? ((n: number) => `${n}.`))(position);
      const place = nth === '' ? say('waiting') : say(position === 1 ? 'next' : 'queue', { nth });
      const minute = Math.round((seconds ?? 0) / 60);
      const time = minute < 1 ? say('soon') : say('about', { time: minutes.format(minute) });
      return place + (nth === '' || seconds === null ? '' : `, ${time}`) + say('keep');
    },
  };
}

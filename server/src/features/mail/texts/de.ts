import type { MailTexts } from './types.ts';

export const de: MailTexts = {
  greeting: 'Guten Tag {name},',
  footer: 'Diese E-Mail kommt von Parley unter {host}. Antworten darauf liest niemand.',
  linkHint: 'Wenn die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:',
  unknownDevice: 'ein unbekanntes Gerät',
  mails: {
    invitation: {
      subject: '{inviter} lädt Sie zu {workspace} bei Parley ein',
      before: [
        '{inviter} lädt Sie ein, bei Parley im Team von {workspace} mitzuarbeiten.',
        'Der Link gilt einmal, für {address}, innerhalb von 7 Tagen.',
      ],
      action: 'Einladung annehmen',
      after: ['Wenn Sie nicht wissen, worum es geht, brauchen Sie nichts zu tun.'],
    },
    password_reset: {
      subject: 'Neues Passwort für Parley',
      before: [
        'Jemand, hoffentlich Sie, hat ein neues Passwort für {address} angefordert.',
        'Der Link gilt einmal, innerhalb von 30 Minuten. Ein neues Passwort beendet alle Anmeldungen Ihres Kontos.',
      ],
      action: 'Neues Passwort festlegen',
      after: ['Wenn Sie es nicht waren, brauchen Sie nichts zu tun: Ihr Passwort bleibt, wie es ist.'],
    },
    password_changed: {
      subject: 'Ihr Passwort für Parley wurde geändert',
      before: [
        'Das Passwort Ihres Kontos {address} wurde am {time} geändert. Alle früheren Anmeldungen wurden beendet.',
        'Wenn Sie es waren, ist nichts zu tun.',
      ],
      action: 'Nicht Sie? Neues Passwort festlegen',
    },
    prove_address: {
      subject: 'Bestätigen Sie Ihre E-Mail-Adresse für Parley',
      before: [
        'Bestätigen Sie, dass {address} Ihre Adresse ist. Erst dann können Sie per E-Mail ein neues Passwort festlegen und erfahren, wenn sich jemand anmeldet.',
        'Der Link gilt einmal, innerhalb von 24 Stunden.',
      ],
      action: 'Adresse bestätigen',
      after: ['Wenn Sie kein Konto bei Parley haben, brauchen Sie nichts zu tun.'],
    },
    address_changed: {
      subject: 'Ihre E-Mail-Adresse bei Parley wurde geändert',
      before: [
        'Ihr Konto hat jetzt eine andere E-Mail-Adresse; mit {address} meldet sich niemand mehr bei ihm an. Geändert am {time}.',
        'Wenn Sie es nicht waren, wenden Sie sich sofort an einen Inhaber Ihres Arbeitsbereichs oder an den Betreiber dieses Parley.',
      ],
    },
    new_device: {
      subject: 'Neue Anmeldung bei Ihrem Konto bei Parley',
      before: [
        'Jemand hat sich bei Ihrem Konto {address} von einem Gerät aus angemeldet, das es nicht kannte:',
        '{device}, von {place}, am {time}',
        'Wenn Sie es waren, ist nichts zu tun.',
      ],
      action: 'Nicht Sie? Neues Passwort festlegen',
    },
    sign_in_link: {
      subject: 'Bei Parley anmelden',
      before: [
        'Jemand, hoffentlich Sie, möchte sich bei Ihrem Konto von einem Gerät aus anmelden, das es nicht kennt.',
        'Öffnen Sie den Link innerhalb von 15 Minuten und geben Sie dort Ihr Passwort ein.',
      ],
      action: 'Weiter zur Anmeldung',
      after: ['Wenn Sie es nicht waren, brauchen Sie nichts zu tun: Der Link allein öffnet nichts.'],
    },
    test: {
      subject: 'Eine Test-E-Mail von Parley',
      before: ['Das ist die Test-E-Mail, die Sie angefordert haben. E-Mails von diesem Parley kommen an.'],
    },
  },
};

"""What WhatsApp itself writes into a text export, by language, and how a reader tells it from what people write.

The strings are facts of recognition: words of the user interface of WhatsApp for Android (2.20.123) in 14 languages, of
WhatsApp for iOS (22.24.81) and later forms seen in exports and public parsers. ``{}`` stands for a name, a number or a
time. Sentences that only explain ("Tap to unblock.") are left out: a phrase is matched by its first sentence, because the
rest changes from version to version. Words marked "recalled" were seen in no export at hand; a wrong one matches nothing.

Text comes in as :mod:`pipelines.readers._whatsapp_lines` hands it over: the direction mark U+200E is the byte 1,
the isolates U+2068 and U+2069 are the bytes 2 and 3, other invisible marks are gone, odd blanks are blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.identifiers import clean

Phrases = Mapping[str, tuple[str, ...]]
MARK: Final = "\x01"
_STAND_INS: Final = str.maketrans("", "", "\x01\x02\x03")
_UNCOUNTED: Final = str.maketrans("", "", "\x01\x02\x03\r")

SUBJECTS: Final[Phrases] = {
    "en": ("WhatsApp Chat with {}", "WhatsApp Chat - {}"),
    "ru": ("Чат WhatsApp с {}", "Чат WhatsApp с контактом {}"),
    "kk": ("WhatsApp чат: {}",),
    "uk": ("Бесіда WhatsApp з {}",),
    "uz": ("{} bilan WhatsApp chati",),
    "de": ("WhatsApp Chat mit {}",),
    "es": ("Chat de WhatsApp con {}",),
    "fr": ("Discussion WhatsApp avec {}",),
    "it": ("Chat WhatsApp con {}",),
    "pt": ("Conversa no WhatsApp com {}",),
    "pt-BR": ("Conversa do WhatsApp com {}",),
    "tr": ("{} ile WhatsApp Sohbeti",),
    "ar": ("دردشة في واتساب مع {}",),
    "hi": ("{} के साथ WhatsApp चैट",),
}
MEDIA_OMITTED: Final[Phrases] = {
    "en": ("<Media omitted>",),
    "ru": ("<Без медиафайлов>", "<Файл пропущен>"),
    "kk": ("<Файлдар қосылмаған>", "<Файл қосылған жоқ>"),
    "uk": ("<Медіа пропущено>",),
    "uz": ("<Fayl o‘tkazib yuborildi>",),
    "de": ("<Medien ausgeschlossen>", "<Medien weggelassen>", "<Medien ausgelassen>"),
    "es": ("<Multimedia omitido>", "<Archivo omitido>"),
    "fr": ("<Médias omis>", "<Fichier omis>"),
    "it": ("<Media omessi>",),
    "pt": ("<Ficheiro não revelado>",),
    "pt-BR": ("<Arquivo de mídia oculto>", "<Mídia omitida>", "<Mídia oculta>"),
    "tr": ("<Medya dahil edilmedi>", "<Medya atlanmış>"),
    "ar": ("<تم استبعاد الوسائط>",),
    "hi": ("<मीडिया के बिना>",),
}
FILE_ATTACHED: Final[Phrases] = {
    "en": ("(file attached)",),
    "ru": ("(файл добавлен)",),
    "kk": ("(қосымша файл)",),
    "uk": ("(файл вкладено)",),
    "uz": ("(fayl biriktirildi)",),
    "de": ("(Datei angehängt)",),
    "es": ("(archivo adjunto)",),
    "fr": ("(fichier joint)",),
    "it": ("(file allegato)",),
    "pt": ("(ficheiro anexado)",),
    "pt-BR": ("(arquivo anexado)",),
    "tr": ("(dosya ekli)",),
    "ar": ("(الملف مرفق)",),
    "hi": ("(फ़ाइल अटैच की गई)",),
}
ATTACHED_WORDS: Final[Phrases] = {
    "en": ("attached",),
    "ru": ("прикреплено",),
    "de": ("Anhang",),
    "es": ("adjunto",),
    "fr": ("pièce jointe",),
    "pt-BR": ("anexado",),
    "it": ("allegato",),
    "ar": ("المُرفق",),
}
IMAGE_OMITTED: Final[Phrases] = {
    "en": ("image omitted",),
    "ru": ("изображение отсутствует",),
    "de": ("Bild weggelassen",),
    "es": ("imagen omitida",),
    "fr": ("image absente",),
    "pt-BR": ("imagem ocultada",),
    "tr": ("görüntü dahil edilmedi",),
    "ar": ("لم يتم إدراج الصورة",),
    "hi": ("फ़ोटो हटाई गई",),
}
VIDEO_OMITTED: Final[Phrases] = {
    "en": ("video omitted",),
    "ru": ("видео отсутствует",),
    "de": ("Video weggelassen",),
    "es": ("Video omitido",),
    "fr": ("vidéo absente",),
    "pt-BR": ("vídeo omitido",),
    "tr": ("video dahil edilmedi",),
}
AUDIO_OMITTED: Final[Phrases] = {
    "en": ("audio omitted",),
    "ru": ("аудиофайл отсутствует",),
    "de": ("Audio weggelassen",),
    "es": ("audio omitido",),
    "fr": ("audio omis",),
    "pt-BR": ("áudio ocultado",),
    "tr": ("ses dahil edilmedi",),
}
STICKER_OMITTED: Final[Phrases] = {
    "en": ("sticker omitted",),
    "ru": ("стикер не добавлен",),
    "pt-BR": ("figurinha omitida",),
    "tr": ("Çıkartma dahil edilmedi",),
}
GIF_OMITTED: Final[Phrases] = {
    "en": ("GIF omitted",),
    "ru": ("GIF отсутствует",),
}
DOCUMENT_OMITTED: Final[Phrases] = {
    "en": ("document omitted",),
    "ru": ("документ отсутствует",),
}
CONTACT_OMITTED: Final[Phrases] = {
    "en": ("Contact card omitted",),
    "ru": ("Карточка контакта отсутствует",),
    "de": ("Kontaktkarte ausgelassen",),
}
LOCATION: Final[Phrases] = {
    "en": ("location",),
    "ru": ("местоположение",),
    "kk": ("орналасуы",),
    "uk": ("розташування",),
    "uz": ("joylashuv",),
    "de": ("Standort",),
    "es": ("ubicación",),
    "fr": ("localisation",),
    "it": ("posizione",),
    "pt": ("localização",),
    "pt-BR": ("localização",),
    "tr": ("konum",),
    "ar": ("الموقع",),
    "hi": ("लोकेशन",),
}
LIVE_LOCATION: Final[Phrases] = {
    "en": ("live location shared",),
    "ru": ("Геоданные отправлены",),
    "kk": ("қазіргі орынмен бөлісті",),
    "uk": ("геодані надіслано",),
    "uz": ("jonli joylashuv ulashildi",),
    "de": ("Live-Standort wird geteilt",),
    "es": ("ubicación en tiempo real compartida",),
    "fr": ("Localisation en direct partagée",),
    "it": ("posizione in tempo reale condivisa",),
    "pt": ("Está a partilhar a sua localização",),
    "pt-BR": ("localização em tempo real compartilhada",),
    "tr": ("Mevcut konum paylaşıldı",),
    "ar": ("تمت مشاركة الموقع المباشر",),
    "hi": ("लाइव लोकेशन शेयर किया गया",),
}
DELETED: Final[Phrases] = {
    "en": ("This message was deleted", "You deleted this message"),
    "ru": ("Данное сообщение удалено", "Вы удалили данное сообщение"),
    "kk": ("Бұл хат жойылды", "Сіз бұл хатты жойдыңыз"),
    "uk": ("Це повідомлення було видалено", "Видалено"),
    "uz": ("Bu xabar o‘chirildi", "Siz bu xabarni oʻchirdingiz"),
    "de": ("Diese Nachricht wurde gelöscht", "Du hast diese Nachricht gelöscht"),
    "es": ("Este mensaje fue eliminado", "Se eliminó este mensaje", "Eliminaste este mensaje"),
    "fr": ("Ce message a été supprimé", "Vous avez supprimé ce message"),
    "it": ("Questo messaggio è stato eliminato", "Hai eliminato questo messaggio"),
    "pt": ("Esta mensagem foi apagada", "Apagou esta mensagem"),
    "pt-BR": ("Essa mensagem foi apagada", "Mensagem apagada", "Você apagou essa mensagem"),
    "tr": ("Bu mesaj silindi", "Bu mesajı sildiniz"),
    "ar": ("تم حذف هذه الرسالة", "أنت حذفت هذه الرسالة"),
    "hi": ("यह मैसेज मिटाया गया", "यह मैसेज आपने मिटाया है"),
}
EDITED: Final[Phrases] = {
    "en": ("<This message was edited>",),
    "ru": ("<Сообщение изменено>",),
}
MISSED_VOICE: Final[Phrases] = {
    "en": ("Missed voice call",),
    "ru": ("Пропущенный аудиозвонок",),
    "kk": ("Жауапсыз қоңырау",),
    "uk": ("Пропущений аудіодзвінок",),
    "uz": ("Oʻtkazib yub-n ovozli chaqiruv",),
    "de": ("Verpasster Sprachanruf",),
    "es": ("Llamada perdida",),
    "fr": ("Appel vocal manqué",),
    "it": ("Chiamata vocale persa",),
    "pt": ("Chamada de voz não atendida",),
    "pt-BR": ("Chamada de voz perdida",),
    "tr": ("Cevapsız sesli arama",),
    "ar": ("مكالمة صوتية فائتة",),
    "hi": ("वॉइस कॉल छूटी",),
}
MISSED_VIDEO: Final[Phrases] = {
    "en": ("Missed video call",),
    "ru": ("Пропущенный видеозвонок",),
    "kk": ("Жауапсыз видео қоңырау",),
    "uk": ("Пропущений відеодзвінок",),
    "uz": ("O‘tkazib yub-n videochaqiruv",),
    "de": ("Verpasster Videoanruf",),
    "es": ("Videollamada perdida",),
    "fr": ("Appel vidéo manqué",),
    "it": ("Videochiamata persa",),
    "pt": ("Videochamada não atendida",),
    "pt-BR": ("Chamada de vídeo perdida",),
    "tr": ("Cevapsız görüntülü arama",),
    "ar": ("مكالمة فيديو فائتة",),
    "hi": ("वीडियो कॉल छूटी",),
}
MISSED_VOICE_AT: Final[Phrases] = {
    "en": ("Missed voice call at {}",),
    "ru": ("Пропущенный аудиозвонок в {}",),
    "kk": ("Жауапсыз қоңырау ({})",),
    "uk": ("Пропущений аудіодзвінок о {}",),
    "uz": ("{} da ovozli chaqiruv o‘tkazib yuborildi",),
    "de": ("Verpasster Sprachanruf um {}",),
    "es": ("Llamada perdida a la(s) {}",),
    "fr": ("Appel vocal manqué à {}",),
    "it": ("Chiamata vocale persa alle {}",),
    "pt": ("Chamada de voz não atendida à(s) {}",),
    "pt-BR": ("Chamada de voz perdida às {}",),
    "tr": ("{}'de cevapsız sesli arama",),
    "ar": ("مكالمة صوتية فائتة عند {}",),
    "hi": ("{} बजे वॉइस कॉल मिस हुई",),
}
BLOCKED: Final[Phrases] = {
    "en": ("You blocked this contact", "You blocked this business"),
    "ru": ("Вы заблокировали этот контакт", "Вы заблокировали эту компанию"),
    "kk": ("Сіз бұл контактты бұғаттадыңыз", "Сіз бұл бизнесті бұғаттадыңыз"),
    "uk": ("Ви заблокували цей контакт", "Ви заблокували цей бізнес"),
    "uz": ("Siz bu kontaktni blokladingiz", "Siz bu kompaniyani blokladingiz"),
    "de": ("Du hast diesen Kontakt blockiert", "Du hast dieses Unternehmen blockiert"),
    "es": ("Bloqueaste este contacto", "Bloqueaste esta empresa"),
    "fr": ("Vous avez bloqué ce contact", "Vous avez bloqué cette entreprise"),
    "it": ("Hai bloccato questo contatto", "Hai bloccato questa attività"),
    "pt-BR": ("Você bloqueou esse contato", "Bloqueou este contacto", "Bloqueou esta empresa"),
    "tr": ("Bu kişiyi engellediniz", "Bu işletmeyi engellediniz"),
    "ar": ("لقد حظرت جهة الاتصال هذه", "لقد حظرت هذا النشاط التجاري"),
    "hi": ("आपने इस संपर्क को ब्लॉक कर दिया है", "आपने इस बिज़नेस को ब्लॉक कर दिया है"),
}
UNBLOCKED: Final[Phrases] = {
    "en": ("You unblocked this contact", "You unblocked this business"),
    "ru": ("Вы разблокировали этот контакт", "Вы разблокировали эту компанию"),
    "kk": ("Сіз бұл контактты бұғаттаудан шығардыңыз", "Сіз бұл бизнесті бұғаттаудан шығардыңыз"),
    "uk": ("Ви розблокували цей контакт", "Ви розблокували цей бізнес"),
    "uz": ("Siz bu kontaktni blokdan chiqardingiz", "Siz bu kompaniyani blokdan chiqardingiz"),
    "de": ("Du hast diesen Kontakt freigegeben", "Du hast dieses Unternehmen freigegeben"),
    "es": ("Desbloqueaste este contacto", "Desbloqueaste esta empresa"),
    "fr": ("Vous avez débloqué ce contact", "Vous avez débloqué cette entreprise"),
    "it": ("Hai sbloccato questo contatto", "Hai sbloccato questa attività"),
    "pt-BR": ("Você desbloqueou esse contato", "Desbloqueou este contacto", "Desbloqueou esta empresa"),
    "tr": ("Bu kişinin engelini kaldırdınız", "Bu işletmenin engelini kaldırdınız"),
    "ar": ("لقد رفعت الحظر عن جهة الاتصال هذه", "لقد رفعت الحظر عن هذا النشاط التجاري"),
    "hi": ("आपने इस संपर्क को अनब्लॉक कर दिया है", "आपने इस बिज़नेस को अनब्लॉक कर दिया है"),
}
NUMBER_CHANGED: Final[Phrases] = {
    "en": ("{} changed their phone number", "{} changed their phone number to a new number"),
    "ru": ("{} сменил(-а) номер телефона",),
    "kk": ("{} өз нөмірін өзгертті", "{} өз нөмірін жаңа нөмірге ауыстырды"),
    "uk": ("{} змінив(-ла) номер телефону",),
    "uz": ("{} telefon raqamini o‘zgartirdi", "{} telefon raqamini yangi raqamga o‘zgartirdi"),
    "de": ("{} hat eine neue Telefonnummer",),
    "es": ("{} cambió su número de teléfono",),
    "fr": ("{} a changé de numéro de téléphone",),
    "it": ("{} ha cambiato numero",),
    "pt": ("{} mudou de número de telemóvel",),
    "pt-BR": ("{} mudou de número de telefone", "{} mudou seu número de telefone para um novo número"),
    "tr": ("{} telefon numarasını değiştirdi", "{} telefon numarasını yeni bir numara ile değiştirdi"),
    "ar": ("{} غيّر رقم هاتفه", "{} غيّر رقم هاتفه إلى رقم جديد"),
    "hi": ("{} ने अपना फ़ोन नंबर बदला है", "{} ने अपना फ़ोन नंबर एक नए नंबर में बदल दिया"),
}
NUMBER_CHANGED_TO: Final[Phrases] = {
    "ru": ("{} изменён на {}",),
    "kk": ("{} нөмірі {} нөміріне ауыстырылды",),
    "uk": ("{} змінено на {}",),
    "uz": ("{} {} ga o‘zgartirdi",),
    "de": ("{} hat zu {} gewechselt",),
    "es": ("{} cambió a {}",),
    "fr": ("{} est passé à {}",),
    "it": ("{} è stato cambiato con {}",),
    "pt": ("{} mudou o número para {}",),
    "pt-BR": ("{} mudou para {}",),
    "tr": ("{}, numarasını {} olarak değiştirdi",),
    "ar": ("تم تغيير رقم الهاتف من {} إلى {}",),
    "hi": ("{} अब {} में बदल गया है",),
}
CODE_CHANGED: Final[Phrases] = {
    "en": ("{}'s security code changed",),
    "ru": ("Код безопасности пользователя {} изменился",),
    "kk": ("{} қауіпсіздік коды өзгертілді",),
    "uk": ("Код безпеки контакта {} змінився",),
    "uz": ("{}ning xavfsizlik kodi o‘zgardi",),
    "de": ("Die Sicherheitsnummer von {} hat sich geändert",),
    "es": ("El código de seguridad de {} cambió",),
    "fr": ("Le code de sécurité de {} a changé",),
    "it": ("Il codice sicurezza di {} è cambiato",),
    "pt": ("O código de segurança de {} foi alterado",),
    "pt-BR": ("O código de segurança de {} mudou",),
    "tr": ("{} kişisinin güvenlik kodu değişti",),
    "ar": ("تغير رمز أمان {}",),
    "hi": ("{} का सुरक्षा कोड बदल गया है",),
}
ADDED_YOU: Final[Phrases] = {
    "en": ("{} added you",),
    "ru": ("{} добавил(-а) вас",),
    "kk": ("{} Сізді топқа қосты",),
    "uk": ("{} додав(-ла) вас",),
    "uz": ("{} sizni qo‘shdi",),
    "de": ("{} hat dich hinzugefügt",),
    "es": ("{} te añadió",),
    "fr": ("{} vous a ajouté",),
    "it": ("{} ti ha aggiunto",),
    "pt": ("{} adicionou-o(a)",),
    "pt-BR": ("{} adicionou você",),
    "tr": ("{} sizi ekledi",),
    "ar": ("{} أضافك",),
    "hi": ("{} ने आपको शामिल किया",),
}
GROUP: Final[Phrases] = {
    "en": (
        '{} created group "{}"',
        'You created group "{}"',
        "{} joined using this group's invite link",
        "{} left",
        "{} added {}",
        "{} removed {}",
        "{} removed you",
        "You added {}",
        "You removed {}",
    ),
    "ru": (
        '{} создал(-а) группу "{}"',
        'Вы создали группу "{}"',
        "{} вступил(-а) в группу, используя приглашение",
        "{} покинул(-а) группу",
        "{} добавил(-а) контакт {}",
        "{} удалил(-а) {}",
        "{} удалил(-а) вас",
        "Вы добавили {}",
        "Вы удалили {}",
    ),
    "kk": (
        '{} "{}" тобын ашты',
        'Сіз "{}" тобын аштыңыз',
        "{} осы топқа шақыру сілтемесі арқылы қосылды",
        "{} топтан шықты",
        "{} топқа {} қосты",
        "{} {} топтан шығарды",
        "{} Сізді топтан шығарды",
        "{} топқа қостыңыз",
        "Сіз топтан {} шығардыңыз",
    ),
    "uk": (
        "{} створив(-ла) групу «{}»",
        "Ви створили групу «{}»",
        "{} приєднався(-лася) до групи через запрошення",
        "{} залишив(-ла) групу",
        "{} додав(-ла) {}",
        "Адміністратор {} вилучив учасника {}",
        "Адміністратор {} вилучив вас",
        "Ви додали {}",
        "Ви вилучили учасника {}",
    ),
    "uz": (
        '{} "{}" guruhini yaratdi',
        'Siz "{}" guruhini yaratdingiz',
        "{} bu guruh taklif havolasidan foydalanib qo‘shildi",
        "{} tark etdi",
        "{} {}ni qo‘shdi",
        "{} {}ni o‘chirdi",
        "{} sizni o‘chirdi",
        "Siz {}ni qo‘shdingiz",
        "Siz {}ni olib tashladingiz",
    ),
    "de": (
        "{} hat die Gruppe „{}“ erstellt",
        'Du hast die Gruppe "{}" erstellt',
        "{} ist dieser Gruppe mit dem Einladungslink beigetreten",
        "{} hat die Gruppe verlassen",
        "{} hat {} hinzugefügt",
        "{} hat {} entfernt",
        "{} hat dich entfernt",
        "Du hast {} hinzugefügt",
        "Du hast {} entfernt",
    ),
    "es": (
        '{} creó el grupo "{}"',
        'Creaste el grupo "{}"',
        "{} se unió usando el enlace de invitación de este grupo",
        "{} salió del grupo",
        "{} añadió a {}",
        "{} eliminó a {}",
        "{} te eliminó",
        "Añadiste a {}",
        "Eliminaste a {}",
    ),
    "fr": (
        '{} a créé le groupe "{}"',
        "Vous avez créé le groupe “{}”",
        "{} a intégré ce groupe grâce au lien d'invitation",
        "{} est parti(e)",
        "{} a ajouté {}",
        "{} a retiré {}",
        "{} vous a retiré",
        "Vous avez ajouté {}",
        "Vous avez retiré {}",
    ),
    "it": (
        "{} ha creato il gruppo “{}”",
        "Hai creato il gruppo “{}”",
        "{} è entrato usando il link d'invito al gruppo",
        "{} ha abbandonato",
        "{} ha aggiunto {}",
        "{} ha rimosso {}",
        "{} ti ha rimosso",
        "Hai aggiunto {}",
        "Hai rimosso {}",
    ),
    "pt": (
        '{} criou o grupo "{}"',
        'Criou o grupo "{}"',
        "{} aderiu através da ligação de convite deste grupo",
        "{} saiu do grupo",
        "{} adicionou {}",
        "{} removeu {}",
        "Foi removido(a) por {}",
        "Adicionou {}",
        "Removeu {}",
    ),
    "pt-BR": (
        '{} criou o grupo "{}"',
        'Você criou o grupo "{}"',
        "{} entrou usando o link de convite deste grupo",
        "{} saiu",
        "{} adicionou {}",
        "{} removeu {}",
        "{} removeu você",
        "Você adicionou {}",
        "Você removeu {}",
    ),
    "tr": (
        '{} , "{}" grubunu oluşturdu',
        '"{}" grubunu oluşturdunuz',
        "{} bu grubun davet bağlantısını kullanarak katıldı",
        "{} ayrıldı",
        "{}, {} kişisini ekledi",
        "{}, {} kişisini çıkardı",
        "{} sizi çıkardı",
        "{} kişisini eklediniz",
        "{} kişisini çıkardınız",
    ),
    "ar": (
        '{} أنشأ مجموعة "{}"',
        'أنت أنشأت مجموعة "{}"',
        "{} انضم إلى المجموعة عبر استخدام رابط الدعوة الخاص بها",
        "غادر {} المجموعة",
        "{} أضاف {}",
        "{} أزال {}",
        "{} أزالك",
        "أنت أضفت {}",
        "أنت أزلت {}",
    ),
    "hi": (
        '{} ने "{}" ग्रुप बनाया',
        'आपने "{}" ग्रुप बनाया',
        "{} आमंत्रण लिंक का उपयोग करके ग्रुप में शामिल हुए/हुईं",
        "{} ने छोड़ा",
        "{} ने {} को जोडा",
        "{} ने {} को हटा दिया",
        "{} ने आपको हटा दिया",
        "आपने {} को जोड़ा",
        "आपने {} को हटाया",
    ),
}

#: other words for the same, recalled or seen in single exports
_MORE_IOS_ATTACHED: Final = ("bijgevoegd", "liitetty", "ekli", "вкладено", "қосылған")  # recalled
_MORE_EDITED: Final = (  # recalled, but for the first two languages
    "<This message was edited>", "<Сообщение изменено>", "<Diese Nachricht wurde bearbeitet>", "<Se editó este mensaje.>",
    "<Ce message a été modifié>", "<Mensagem editada>", "<Questo messaggio è stato modificato>", "<Bu mesaj düzenlendi>",
)  # fmt: skip
POLL_WORDS: Final = ("POLL:", "ENCUESTA:", "ОПРОС:", "UMFRAGE:", "SONDAGE:", "ENQUETE:", "SONDAGGIO:", "ANKET:")
_MISSED_OTHER: Final[Mapping[str, tuple[str, ...]]] = {  # tags after "missed"
    "group voice": ("Missed group voice call", "Missed group call"),
    "group video": ("Missed group video call",),
    "silenced voice": ("Silenced voice call", "Silenced missed voice call"),
    "silenced video": ("Silenced video call", "Silenced missed video call"),
}
#: the words of a call that was not missed; en and de seen in exports, the others recalled
_CALL_VOICE: Final = (
    "Voice call", "Sprachanruf", "Аудиозвонок", "Аудіодзвінок", "Llamada", "Llamada de voz", "Appel vocal", "Chiamata vocale",
    "Chamada de voz", "Ligação de voz", "Sesli arama", "Дауыстық қоңырау", "Аудио қоңырау", "वॉइस कॉल", "مكالمة صوتية",
)  # fmt: skip
_CALL_VIDEO: Final = (
    "Video call", "Videoanruf", "Видеозвонок", "Відеодзвінок", "Videollamada", "Appel vidéo", "Videochiamata", "Videochamada",
    "Chamada de vídeo", "Ligação de vídeo", "Görüntülü arama", "Видео қоңырау", "वीडियो कॉल", "مكالمة فيديو",
)  # fmt: skip
_CALL_GROUP: Final = ("Group call", "Gruppenanruf", "Групповой звонок", "Llamada grupal", "Appel de groupe")
_CALL_FAILED: Final = ("Call failed", "Anruf fehlgeschlagen", "Не удалось позвонить")
_NO_ANSWER: Final = (
    "No answer", "Keine Antwort", "Нет ответа", "Без ответа", "Немає відповіді", "Жауап жоқ", "Sin respuesta", "No contestada",
    "Pas de réponse", "Aucune réponse", "Nessuna risposta", "Sem resposta", "Não atendida", "Yanıt yok", "Cevap yok",
    "Declined", "Отклонён", "Отклонен", "Abgelehnt",
)  # fmt: skip
_OTHER_DEVICE: Final = (
    "Answered on other device", "Answered on another device", "Auf anderem Gerät angenommen", "Отвечен на другом устройстве",
    "Принят на другом устройстве",
)  # fmt: skip
_UNIT_S: Final[Mapping[str, int]] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sek", "с", "сек", "seg", "sn", "सेकंड", "ث"), 1),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "minuten", "мин", "хв", "dk", "मिनट", "د"), 60),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "std", "ч", "час", "год", "сағ", "sa", "घंटे", "س"), 3600),
}
_DURATION: Final = re.compile(r"(\d{1,4})\s*([^\W\d_]+)\.?")

#: a word of the first sentence of "messages and calls are end-to-end encrypted", folded
_ENCRYPTION: Final = (
    "end-to-end encr", "сквозным шифрованием", "толығымен шифрлау", "наскрізним шифруванням", "boshidan oxirigacha shifrlash",
    "ende-zu-ende-verschl", "cifrado de extremo a extremo", "cifrados de extremo a extremo", "chiffrement de bout en bout",
    "chiffrés de bout en bout", "crittografia end-to-end", "crittografati end-to-end", "encriptação ponto a ponto",
    "criptografia de ponta a ponta", "uçtan uca şifre", "التشفير التام", "एन्क्रिप्शन से सुरक्षित", "端到端加密", "端對端加密",
    "エンドツーエンド", "종단간 암호화", "päästä päähän", "enkripsi end-to-end",
)  # fmt: skip
#: words of lines about keys, timers and business accounts, folded; the lines tell of no communication
_HOUSEKEEPING: Final = (
    "security code", "код безопасности", "қауіпсіздік коды", "код безпеки", "xavfsizlik kodi", "sicherheitsnummer",
    "código de seguridad", "code de sécurité", "codice sicurezza", "codice di sicurezza", "código de segurança", "güvenlik kodu",
    "رمز أمان", "सुरक्षा कोड", "disappearing messages", "message timer", "исчезающие сообщения", "таймер сообщений",
    "жойылатын хаттар", "secure service from meta", "business account", "бизнес-аккаунт", "advanced chat privacy",
    "is a contact", "pinned a message",
)  # fmt: skip
#: words of which one stands in lines about a group, folded
_GROUP_WORDS: Final = (
    "group", "групп", "тобы", "топқа", "топтан", "топтың", "груп", "guruh", "gruppe", "grupo", "groupe", "gruppo", "grubu", "grup",
    "مجموعة", "المجموعة", "ग्रुप", "群组", "群組", "グループ", "그룹", "ryhmä", "กลุ่ม", "groep", "you were added", "вас добавили",
)  # fmt: skip

_FILE_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("jpg", "jpeg", "png", "heic", "heif", "bmp", "tif", "tiff"), "image"),
    **dict.fromkeys(("mp4", "mov", "3gp", "mkv", "avi", "webm", "m4v"), "video"),
    **dict.fromkeys(("opus", "ogg", "oga"), "voice"),
    **dict.fromkeys(("mp3", "m4a", "aac", "amr", "wav", "flac"), "audio"),
    "webp": "sticker", "gif": "animation", "vcf": "contact",
}  # fmt: skip
_PREFIX_KINDS: Final[Mapping[str, str]] = {
    "IMG": "image", "PHOTO": "image", "VID": "video", "VIDEO": "video", "PTT": "voice", "AUD": "audio", "AUDIO": "audio",
    "STK": "sticker", "STICKER": "sticker", "GIF": "animation", "DOC": "document",
}  # fmt: skip
#: names that WhatsApp gives to files: IMG-20240301-WA0001.jpg, 00000010-PHOTO-2022-03-27-21-41-55.jpg
_APP_FILE: Final = re.compile(
    r"(?:(?P<a>IMG|VID|PTT|AUD|STK|DOC|GIF)-\d{8}-WA\d{4,}|\d{6,}-(?P<i>PHOTO|VIDEO|AUDIO|STICKER|GIF)-\d{4}(?:-\d\d){5})"
)
_ANDROID_FILE: Final = re.compile(r"(?P<file>[^\n]{0,240}\.\w{1,5}) (?P<word>\([^()\n]{2,40}\))\s*")
_IOS_FILE: Final = re.compile(r"<(?P<word>[^<>:\n]{2,24})\s?: (?P<file>[^<>\n]{1,240})>\s*$")
_MAP: Final = re.compile(
    r"(?P<word>[^\n]{0,120}?)\s?: https?://(?:maps\.google\.com/\?q=(?P<lat>-?\d{1,3}(?:\.\d{1,12})?),"
    r"(?P<lon>-?\d{1,3}(?:\.\d{1,12})?)|(?P<place>(?:www\.)?foursquare\.com/v/)\S{1,80})\s*"
)


def folded(text: str) -> str:
    """Return a text as phrases are compared: NFC, no marks, one blank for several, one apostrophe, case folded, no end stop."""
    plain = " ".join(clean(text.translate(_STAND_INS)).replace("’", "'").split())
    return plain.casefold().rstrip(".")


def _all(*tables: Phrases | Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for table in tables:
        if isinstance(table, Mapping):
            found.update(folded(p) for phrases in table.values() for p in phrases)
        else:
            found.update(folded(p) for p in table)
    return frozenset(found)


_MEDIA_SET: Final = _all(MEDIA_OMITTED)
_ATTACHED_SET: Final = _all(FILE_ATTACHED)
_ATTACHED_WORD_SET: Final = _all(ATTACHED_WORDS, _MORE_IOS_ATTACHED)
_LIVE_SET: Final = _all(LIVE_LOCATION)
_LOCATION_SET: Final = _all(LOCATION)
_DELETED_SET: Final = _all(DELETED)
_EDITED_SET: Final = _all(_MORE_EDITED, EDITED)
_POLL_SET: Final = _all(POLL_WORDS)
_OMITTED_KIND: Final[dict[str, str]] = {
    phrase: kind
    for kind, table in (
        ("image", IMAGE_OMITTED), ("video", VIDEO_OMITTED), ("audio", AUDIO_OMITTED), ("sticker", STICKER_OMITTED),
        ("animation", GIF_OMITTED), ("document", DOCUMENT_OMITTED), ("contact", CONTACT_OMITTED),
    )
    for phrase in _all(table)
}  # fmt: skip
_CALL_BASES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(_all(_CALL_GROUP), ("group",)),
    **dict.fromkeys(_all(_CALL_FAILED), ("failed",)),
    **dict.fromkeys(_all(_CALL_VOICE), ("voice",)),
    **dict.fromkeys(_all(_CALL_VIDEO), ("video",)),
    **dict.fromkeys(_all(MISSED_VOICE), ("missed", "voice")),
    **dict.fromkeys(_all(MISSED_VIDEO), ("missed", "video")),
    **{folded(p): ("missed", *words.split()) for words, phrases in _MISSED_OTHER.items() for p in phrases},
}
_NO_ANSWER_SET: Final = _all(_NO_ANSWER)
_OTHER_DEVICE_SET: Final = _all(_OTHER_DEVICE)
_BLOCKED_SET: Final = _all(BLOCKED)
_UNBLOCKED_SET: Final = _all(UNBLOCKED)
_CALL_SPLIT: Final = re.compile(r"[,.،]\s*")

#: whole bodies that need no mark to be known, for the reader's quick test by length and first byte
PLAIN_BODIES: Final = tuple(
    sorted(
        {"null", *_MORE_EDITED, *POLL_WORDS}
        | {
            p + stop
            for table in (
                MEDIA_OMITTED, LIVE_LOCATION, DELETED, EDITED, IMAGE_OMITTED, VIDEO_OMITTED, AUDIO_OMITTED, STICKER_OMITTED,
                GIF_OMITTED, DOCUMENT_OMITTED, CONTACT_OMITTED,
            )
            for phrases in table.values()
            for p in phrases
            for stop in ("", ".")
        }
    )
)  # fmt: skip


def _template(phrase: str) -> tuple[str, re.Pattern[str]]:
    """Return the longest fixed part of a phrase, folded, and the pattern of the whole."""
    phrase = clean(phrase)
    parts = [" ".join(p.split()) if p.strip() else "" for p in phrase.split("{}")]
    fixed = [re.sub(r"\(-\w+\)", "\0", part).split("\0") for part in parts]
    needle = folded(max((piece for part in fixed for piece in part), key=len))
    source = re.escape(" ".join(phrase.split())).replace(r"\{\}", "(.{1,120}?)")
    # (-а) is the feminine ending that later versions write out or leave away
    source = re.sub(r"\\\(\\-(\w+)\\\)", r"(?:\\(-\1\\)|\1)?", source)
    return needle, re.compile(source + r"\.?", re.IGNORECASE)


def _templates(*tables: Phrases) -> tuple[tuple[str, re.Pattern[str]], ...]:
    made = {p: _template(p) for table in tables for phrases in table.values() for p in phrases}
    return tuple(made.values())


_MISSED_AT: Final = _templates(MISSED_VOICE_AT)
_NUMBER: Final = _templates(NUMBER_CHANGED)
_NUMBER_TO: Final = _templates(NUMBER_CHANGED_TO)
_CODE: Final = _templates(CODE_CHANGED)
_ADDED_YOU: Final = _templates(ADDED_YOU)
_GROUP: Final = _templates(GROUP)


@dataclass(frozen=True, slots=True)
class SystemLine:
    """What a line that WhatsApp wrote is.

    ``what`` is ``encryption``, ``number``, ``housekeeping``, ``blocked``, ``unblocked``, ``missed``, ``added_you`` or ``group``;
    ``name`` is who added the owner; ``tags`` tell a missed call further; ``group`` is true if only a group has such a line.
    """

    what: str
    name: str = ""
    tags: tuple[str, ...] = ()
    group: bool = False


def _fits(templates: tuple[tuple[str, re.Pattern[str]], ...], text: str, low: str) -> re.Match[str] | None:
    for needle, pattern in templates:
        if needle in low and (match := pattern.fullmatch(text)):
            return match
    return None


def system_line(body: str, *, trusted: bool) -> SystemLine | None:
    """Say what a line of WhatsApp itself is.

    Parameters
    ----------
    body : str
        The line after its header (after the sender, where a line has one).
    trusted : bool
        The line has no sender, or a sender that is the name of the group, so nobody can have typed it. Otherwise only
        phrases are taken that fill a whole sentence and hold no free part such as "… added …".

    Returns
    -------
    SystemLine or None
        None for a line in no known form.
    """
    if len(body) > 2000:
        return None
    text = " ".join(clean(body.translate(_STAND_INS)).replace("’", "'").split())
    low = text.casefold()
    first_sentence, _, rest = text.partition(". ")
    first = first_sentence.casefold().rstrip(".")
    if len(rest) <= 120:
        if first in _BLOCKED_SET:
            return SystemLine("blocked")
        if first in _UNBLOCKED_SET:
            return SystemLine("unblocked")
    if any(word in low for word in _ENCRYPTION):
        return SystemLine("encryption", group=_tells_of_group(low))
    first_text = first_sentence.rstrip(".")
    if _fits(_NUMBER, first_text, first):
        return SystemLine("number")
    if any(word in low for word in _HOUSEKEEPING) or _fits(_CODE, first_text, first):
        return SystemLine("housekeeping")
    if not trusted:
        return None
    if _fits(_NUMBER_TO, first_text, first):
        return SystemLine("number")
    tags = _CALL_BASES.get(low.rstrip(".")) or _CALL_BASES.get(first)
    if tags and tags[0] == "missed":
        return SystemLine("missed", tags=tags)
    if _fits(_MISSED_AT, text, low):
        return SystemLine("missed", tags=("missed", "voice"))
    if match := _fits(_ADDED_YOU, text, low):
        return SystemLine("added_you", name=match[1], group=True)
    if _fits(_GROUP, text, low) or _tells_of_group(low):
        return SystemLine("group", group=True)
    return None


def _tells_of_group(low: str) -> bool:
    return any(word in low for word in _GROUP_WORDS)


def cuts_a_quote(text: str) -> bool:
    """Return whether a text ends inside quotation marks: the head of a line such as ``A changed the subject to "b: c"``."""
    return text.count('"') % 2 == 1 or any(text.count(a) > text.count(b) for a, b in ("“”", "«»", "„“"))


def shape(body: str, names: Iterable[str]) -> int:
    """Return a number that is equal for system lines that differ only in names, numbers and quoted titles.

    The number lives only as long as the run; neither it nor the line is stored.
    """
    text = body[:2000].translate(_STAND_INS)
    for name in names:
        if name:
            text = text.replace(name, "%")
    text = re.sub(r'"[^"]*"|“[^”]*”|«[^»]*»|\+?\d[\d\s-]*', "%", text)
    words = text.split()
    return hash((tuple(words[-3:]), len(words) > 6))


@dataclass(slots=True)
class Body:
    """What the reader keeps of a body: never the text."""

    kind: str = "message"
    attachment: str | None = None
    size: int | None = None
    answered: bool | None = None
    duration_s: int | None = None
    tags: tuple[str, ...] = ()
    located: bool = False
    lat: float | None = None
    lon: float | None = None
    known: bool = True  # False: begins with the mark of WhatsApp's own lines, in no form that is known


def count(text: str) -> int:
    """Return the number of characters of a text without the marks that the app adds and without carriage returns."""
    return len(text.translate(_UNCOUNTED))


def file_kind(name: str) -> str:
    """Return the kind of attachment by the name that WhatsApp gave the file, else by its ending."""
    match = _APP_FILE.search(name)
    if match:
        kind = _PREFIX_KINDS[match["a"] or match["i"]]
        if kind == "audio" and name.lower().rstrip().endswith(".opus"):
            return "voice"  # iOS calls voice notes AUDIO
        return kind
    return _FILE_KINDS.get(name.rpartition(".")[2].strip().lower(), "document")


def read_body(raw: str) -> Body:
    """Read a body of a line with a sender.

    Parameters
    ----------
    raw : str
        The whole body, stand-ins for marks included.

    Returns
    -------
    Body
        ``size`` counts what a person wrote: not the stub of an attachment, not the word "edited".
    """
    marked = raw.startswith(MARK)
    text = raw.strip()
    plain = text.translate(_STAND_INS).strip()
    if plain in ("", "null"):
        return Body(known=True)
    tags: tuple[str, ...] = ()
    if text.endswith(">") and (cut := text.rfind("<", -120)) > 0:
        suffix = text[cut:]
        by_form = text[cut - 1] == MARK and ":" not in suffix and " " in suffix and plain[0] != "<"
        if folded(suffix) in _EDITED_SET or (by_form and folded(suffix) not in _MEDIA_SET):
            text = text[:cut].rstrip(" \x01\n\r")
            tags = ("edited",)
    found = _stub(text, marked)
    if found is None:
        found = Body(size=count(text if tags else raw), known=not marked)
    found.tags = (*found.tags, *tags)
    return found


def _caption(text: str) -> int | None:
    """Count a caption; the description of a document ("title • 3 pages") is none."""
    if "•" in text and MARK in text:
        return None
    return count(text.strip(" \n\r\x01")) or None


def _stub(text: str, marked: bool) -> Body | None:
    first, _, rest = text.partition("\n")
    if len(first) <= 300:
        low = folded(first)
        if low in _MEDIA_SET:
            return Body(attachment="omitted", size=_caption(rest))
        if (match := _ANDROID_FILE.fullmatch(first)) and (
            folded(match["word"]) in _ATTACHED_SET or _APP_FILE.search(match["file"])
        ):
            return Body(attachment=file_kind(match["file"]), size=_caption(rest))
        if low in _POLL_SET:
            return Body(attachment="poll", size=count(text))
        if not rest:
            if low in _DELETED_SET:
                return Body(attachment="deleted")
            if low in _LIVE_SET:
                return Body(attachment="location", tags=("live",))
            if (match := _MAP.fullmatch(first)) and (marked or folded(match["word"]) in _LOCATION_SET):
                return _location(match)
            if marked and (call := read_call(first)) is not None:
                return call
    end = text[-300:]
    if (match := _IOS_FILE.search(end)) and (
        folded(match["word"]) in _ATTACHED_WORD_SET or end[: match.start()].endswith(MARK)
    ):
        return Body(attachment=file_kind(match["file"]), size=_caption(text[: len(text) - len(end) + match.start()]))
    head, mark, last = text.rpartition(MARK)
    kind = _OMITTED_KIND.get(folded(last)) if len(last) <= 80 else None
    if kind and (mark or not head):
        return Body(attachment=kind, size=_caption(head))
    return None


def _location(match: re.Match[str]) -> Body:
    lat = float(match["lat"]) if match["lat"] else None
    lon = float(match["lon"]) if match["lon"] else None
    if lat is not None and lon is not None and (abs(lat) > 90 or abs(lon) > 180):
        return Body(attachment="location", tags=("bad_coordinates",))
    return Body(attachment="location", located=True, lat=lat, lon=lon)


def read_call(line: str) -> Body | None:
    """Read a call line that bears the mark of WhatsApp's own lines.

    Returns
    -------
    Body or None
        ``duration_s`` as the app rounds it; ``answered`` None where the line does not tell; None if it is no call line.
    """
    text = " ".join(clean(line.translate(_STAND_INS)).split())
    base, *more = _CALL_SPLIT.split(text, maxsplit=1)
    tags = _CALL_BASES.get(folded(base))
    if tags is None:
        return None
    if tags[0] in ("missed", "failed"):
        return Body(kind="call", answered=False if tags[0] == "missed" else None, tags=tags)
    detail = more[0].strip() if more else ""
    low = folded(detail)
    if low in _NO_ANSWER_SET:
        return Body(kind="call", answered=False, tags=(*tags, "no_answer"))
    if low in _OTHER_DEVICE_SET:
        return Body(kind="call", answered=True, tags=(*tags, "other_device"))
    seconds = _duration(low)
    if seconds is not None:
        return Body(kind="call", answered=True, duration_s=seconds, tags=(*tags, "rounded"))
    return Body(kind="call", tags=tags)


def _duration(text: str) -> int | None:
    total, end = 0, 0
    for match in _DURATION.finditer(text):
        unit = _UNIT_S.get(match[2].casefold())
        if unit is None or text[end : match.start()].strip(" ,"):
            return None
        total += int(match[1]) * unit
        end = match.end()
    return total if end and not text[end:].strip() else None


def _subject_pattern(phrase: str) -> re.Pattern[str]:
    words = [re.escape(w) for w in phrase.replace(":", " ").split()]
    return re.compile("[ _:]{1,3}".join(words).replace(r"\{\}", "(.{1,240}?)"), re.IGNORECASE)


_SUBJECT_PATTERNS: Final = tuple(
    _subject_pattern(p)
    for p in sorted({p for phrases in SUBJECTS.values() for p in phrases}, key=lambda p: (-len(p), p))
)


def title_in_name(stem: str) -> str | None:
    """Return the chat's title out of a file name without its ending, or None if the name was changed."""
    text = " ".join(clean(stem).split())
    text = re.sub(r"\s?\(\d{1,3}\)$", "", text)
    for pattern in _SUBJECT_PATTERNS:
        if match := pattern.fullmatch(text):
            return match[1].strip(" _") or None
    return None


def title_key(title: str) -> str:
    """Return a title as file systems leave it: what they replace counts as a blank, blanks are one."""
    return " ".join(re.sub(r'[_:/\\?*"<>|]', " ", clean(title)).split())

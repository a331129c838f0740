"""The words that invented people and companies are made of: names by language, places by country.

A word is written `native:plain` where its script is not Latin; `plain` is what an e-mail address holds. `A + B` in a list of
names means every word of A joined with every word of B. A place is `city|state|post codes`, the post codes being in use there.
In a number pattern `#` is any digit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """How people and companies are called where this language is spoken. `company` is a format of the parts of a name."""

    given: str
    family: str
    marks: str
    trades: str
    legal: str
    titles: str
    streets: str
    street: str = "{street} {number}"
    line2: str = ""
    company: str = "{family} {mark} {trade} {city} {legal}"
    middle_names: bool = True


@dataclass(frozen=True)
class Country:
    """Where people live: the language spoken, places with post codes, and how telephone numbers look."""

    code: str
    name: str
    language: str
    phone: str
    mobile: str
    places: str


LANGUAGES: dict[str, Language] = {
    "german": Language(
        given="Anna Änne Björn Bärbel Clara Dörte Emil Erik Frieda Georg Greta Hannes Ida Jörg Jürgen Käthe Karla Lina "
        "Lukas Marlene Matthias Nils Oskar Paula Ralf Rosa Sören Thea Tobias Ulrike Volker Wiebke",
        family="Ahrens Bäcker Brückner Dörfler Ehlers Färber Fröhlich Größer Günther Hölscher Huber Jäger Kästner König Krüger "
        "Lüders Möller Mühlbauer Nörtemann Ostermann Pfäffle Quandt Rößler Schäfer Schütz Strauß Thönnes Überall Vößing "
        "Weiß Würth Zöllner",
        marks="Nordlicht Silberlinde Talblick Kranich Eichgrund Morgenstern Achtern Sonnenhof Hochmoor Steinbock Mühlrad Flussgold",
        trades="Werkzeugbau Feinkost Möbel Elektrotechnik Druckerei Gartenbau Kältetechnik Spedition Optik Textil Holzhandel "
        "Messtechnik Bäckerei Baustoffe Verpackung Medizintechnik",
        legal="GmbH|AG|KG",
        titles="Einkäuferin|Vertriebsleiter|Geschäftsführerin|Buchhalter|Lagerleiterin|Sachbearbeiter",
        streets="Lindenallee|Bahnhofstraße|Am Mühlbach|Große Gasse|Schützenweg|Goethestraße|Hinterm Deich|Rosengarten",
        line2="Hinterhaus|2. Obergeschoss|Tor 3|Aufgang B",
    ),
    "french": Language(
        given="Adèle Agnès Aurélie Benoît Camille Chloé Cédric Céline Denis Éloïse Émile Étienne Fabrice François Gaël Hélène Inès "
        "Jérôme Joël Léa Loïc Maëlle Mathéo Noëlle Océane Pénélope Raphaël Rémi Solène Théo Valérie Zoé",
        family="Allègre Béranger Boëx Chénier Corbière Delâtre Dupré Évrard Ferré Gélinas Guérin Hébert Jacquelin Lacôte Lefèvre "
        "Légaré Mâcon Méchain Moreau Noël Orléac Pélissier Périgaud Quénard Régnier Rivière Sévigny Tétreau Trémont Vallée "
        "Vézelin Yvonnet",
        marks="Horizon Belle-Étoile Clairière Mistral Cigale Grand-Chêne Lavande Rivage Tournesol Écluse Aurore Marée",
        trades="Menuiserie Boulangerie Électricité Imprimerie Textiles Optique Transports Vignobles Céramique Outillage Papeterie "
        "Mécanique Fromagerie Horlogerie Matériaux Pépinières",
        legal="SARL|SAS|SA",
        titles="Acheteuse|Directeur commercial|Gérante|Comptable|Chef de projet|Responsable qualité",
        streets="rue de la République|avenue des Tilleuls|place du Marché|chemin des Vignes|boulevard Carnot|rue du Vieux Pont|"
        "impasse des Lilas|quai de l'Île",
        street="{number} {street}",
        line2="Bâtiment B|Escalier 2|Zone artisanale|Résidence du Parc",
    ),
    "spanish": Language(
        given="Adrián Álvaro Ángela Begoña Belén César Concepción Elías Fermín Germán Héctor Inés Íñigo Jesús Joaquín José Julián "
        "Lucía María Martín Mónica Nicolás Noé Óscar Paloma Ramón Raúl Rocío Sofía Tomás Úrsula Verónica",
        family="Acuña Aragón Báez Briceño Cáceres Cañizares Cordón Dávila Durán Espíndola Fariñas Galán Gómez Ibáñez Jáuregui León "
        "Lucía Marín Muñoz Núñez Ordóñez Peña Piñero Quiñones Ríos Saldaña Sáez Tolón Ureña Vázquez Yáñez Zúñiga",
        marks="Estrella Olivar Ribera Mirador Almendro Levante Cantábrico Golondrina Molino Girasol Arroyo Encina",
        trades="Conservas Cerámica Muebles Transportes Bodegas Maquinaria Papelería Electrónica Textil Construcciones Óptica "
        "Herramientas Aceites Envases Diseño Imprenta",
        legal="S.L.|S.A.|S.Coop.",
        titles="Compradora|Jefe de ventas|Gerente|Contable|Directora de logística|Técnico",
        streets="Calle Mayor|Avenida de la Constitución|Plaza de España|Paseo del Río|Calle de las Peñas|Camino Viejo|Ronda Norte|"
        "Calle del Niño Jesús",
        street="{street}, {number}",
        line2="2.º izquierda|Nave 4|Bajo|Portal B",
    ),
    "italian": Language(
        given="Alessia Andrea Beatrice Bruno Carla Chiara Dario Elena Enzo Fabio Federica Giada Giulia Ilaria Ivo Lara Livia Loris "
        "Luca Marta Matteo Mirco Nicolò Noemi Olga Paola Pietro Rocco Sara Silvio Teresa Zeno",
        family="Abbà Bellandi Bonomè Calabrò Carradori Conté Dallapè Donati Fabbroni Fantò Gallerani Giordanò Lamberti Lunardi "
        "Maestri Marchetti Merlò Nardini Nicolò Olivieri Pastorino Piccardi Quarenghi Ravelli Rinaldò Salicè Serafini Tallò "
        "Tavani Ubaldi Vanzetti Zanolla",
        marks="Aurora Girasole Quercia Bellavista Maestrale Rondine Fontana Laguna Mirto Granito Brezza Civetta",
        trades="Ceramiche Utensili Arredamenti Trasporti Tessuti Ottica Vini Meccanica Carta Edilizia Forniture Elettronica "
        "Pasticceria Marmi Imballaggi Stampa",
        legal="S.r.l.|S.p.A.|S.n.c.",
        titles="Responsabile acquisti|Direttrice vendite|Titolare|Contabile|Capo officina|Segretaria",
        streets="Via Roma|Corso Garibaldi|Piazza della Libertà|Via dei Mille|Viale dei Tigli|Via San Nicolò|Largo Mazzini|Via del Porto",
        street="{street}, {number}",
        line2="Scala A|Interno 5|Capannone 2|Piano terra",
    ),
    "dutch": Language(
        given="Aafke Bas Bram Carlijn Daan Eline Femke Floor Gijs Hanneke Hugo Iris Jelle Jip Joost Katrijn Koen Lieke Loes Maaike Menno "
        "Nienke Pim Puck Roos Ruben Sanne Sjoerd Tess Thijs Wouter Zoë",
        family="Achterberg Bakhuis Boersma Coenen Cornelissen Dekker Donkers Eijkman Fokkema Geerts Groeneveld Hagendoorn Hoekstra "
        "IJzerman Jansma Kuipers Kamphuis Leeuwerik Maasland Meijer Nijland Oosterhof Postma Quist Rietveld Schouten Slootweg "
        "Tuinman Uitenbroek Veldkamp Wiersma Zonneveld",
        marks="Polder Zwaluw Duinzicht Eikenhof Noorderlicht Zilvermeeuw Waterlelie Molenwiek Kruidje Reiger Tulp Haven",
        trades="Fietsen Bloemen Gereedschap Transport Drukwerk Zuivel Meubelen Elektro Bouwstoffen Verpakking Textiel Optiek Scheepswerf "
        "Koeltechniek Papier Tuinbouw",
        legal="B.V.|N.V.|V.O.F.",
        titles="Inkoper|Verkoopleider|Directeur|Boekhouder|Magazijnchef|Planner",
        streets="Dorpsstraat|Kerkweg|Prinsengracht|Molenlaan|Stationsplein|Lange Nieuwstraat|Dijkweg|Beatrixlaan",
        line2="2 hoog|Hal 4|Unit C|Achteringang",
    ),
    "polish": Language(
        given="Adam Agnieszka Bartłomiej Błażej Celina Dorota Elżbieta Filip Grażyna Halina Igor Jadwiga Józef Kazimierz Krzyś Łucja "
        "Łukasz Małgorzata Michał Mirosław Natalia Oliwia Paweł Rafał Róża Sławek Stanisław Świętosława Tomasz Wacław Zofia Żaneta",
        family="Bąk Błaszczyk Cieślik Ćwikła Dąbek Dudziński Feliński Gałązka Głąb Górski Jabłoński Jędrzejczyk Kącki Kołodziej "
        "Kościelny Krawiec Łęcki Łoś Maćkowiak Mączka Niedźwiedź Ołówek Pająk Pokrzywa Rączka Sęk Śliwiński Światek Tkacz "
        "Wąsik Źrebiec Żak",
        marks="Bursztyn Jaskółka Polana Żubr Wrzos Świt Sosna Zorza Młyn Rzeka Dąb Kłos",
        trades="Narzędzia Meble Transport Piekarnia Drukarnia Optyka Ceramika Elektryka Tkaniny Papier Chłodnictwo Budowa Żywność "
        "Opakowania Mechanika Szkło",
        legal="Sp. z o.o.|S.A.|Sp.j.",
        titles="Kierownik zakupów|Księgowa|Prezes|Specjalistka|Dyrektor sprzedaży|Magazynier",
        streets="ul. Długa|ul. Świętojańska|al. Niepodległości|pl. Wolności|ul. Łąkowa|ul. Źródlana|ul. Krótka|ul. Młyńska",
        line2="lok. 4|Hala B|II piętro|Brama 1",
    ),
    "swedish": Language(
        given="Åke Åsa Agnes Albin Anders Björn Cajsa Elin Elsa Folke Frida Gösta Göran Håkan Hjördis Ingrid Jörgen Kåre Lars Linnéa "
        "Love Maja Märta Mats Nils Ola Östen Pär Sigrid Sören Tuva Ylva",
        family="Ahlström Åberg Åkerlund Bäckman Björkman Dahlqvist Ekström Fälth Forsgård Grönvall Hägglund Hällström Jönsson Kjellgård "
        "Källberg Lindblå Lövgren Månsson Nyström Öberg Österlund Pålsson Rosengård Sandström Sjögren Skärlund Söder Tällberg "
        "Vångell Wikström Ylander Zäll",
        marks="Norrsken Lingon Fjäll Älven Kråkan Björk Måsen Skärgård Granit Solvik Hjorten Mossen",
        trades="Verktyg Möbler Åkeri Bageri Tryckeri Elteknik Optik Textil Trävaror Förpackning Trädgård Mätteknik Kylteknik Papper "
        "Byggvaror Mejeri",
        legal="AB|HB|KB",
        titles="Inköpare|Försäljningschef|VD|Ekonom|Lagerchef|Projektledare",
        streets="Storgatan|Kungsgatan|Östra Ågatan|Björkvägen|Hamnplan|Sjötullsgatan|Skolvägen|Nygatan",
        line2="2 tr|Hus C|Port 4|Gårdshuset",
    ),
    "danish": Language(
        given="Aksel Anders Åse Birgit Bjørn Caja Ditte Esben Freja Gorm Grete Hanne Høgni Ida Jeppe Jørgen Karen Kåre Laura Lærke Mads "
        "Mette Niels Nør Ole Rasmus Rikke Signe Søren Tove Ulla Østen",
        family="Aagård Ågren Bæk Bjerregård Brønd Clemmensen Dalgård Ebbesen Frøslev Gregersen Grønbæk Højgård Holmegård Iversen "
        "Jægersen Kærsgård Kjær Lægård Løvstrøm Mølgård Nørregård Nygård Ørsted Overgård Præstegård Råe Skovgård Sønderby Thygesen "
        "Udengård Vestergård Ærenlund",
        marks="Bølgen Fjorden Mågen Klitten Rønnen Havørn Lyng Solsiden Strand Bøgen Tangen Stæren",
        trades="Værktøj Møbler Transport Bageri Trykkeri Elteknik Optik Tekstil Trælast Emballage Gartneri Køleteknik Papir Byggevarer "
        "Mejeri Skibsværft",
        legal="ApS|A/S|I/S",
        titles="Indkøber|Salgschef|Direktør|Bogholder|Lagerchef|Konsulent",
        streets="Algade|Søndergade|Nørrebrogade|Åboulevarden|Havnevej|Kærvej|Østergade|Kirkestræde",
        line2="2. th.|Hal B|Baghuset|Port 3",
    ),
    "czech": Language(
        given="Adéla Aleš Alžběta Bára Bořek Čeněk Dáša Eliška Františka Hynek Ivana Jáchym Jiří Jitka Kateřina Květa Lukáš Matěj Míla "
        "Nikola Ondřej Otakar Radka Řehoř Šárka Šimon Tereza Tomáš Václav Věra Vojtěch Žofie",
        family="Bělohlávek Blažek Bureš Čáp Čermák Dvořáček Fiřt Hájek Havlíček Hořejší Chládek Jelínek Ježek Kačer Kolář Kovařík Křeček "
        "Kůrka Macháček Mýtný Náprstek Ondráček Pěnkava Říha Skála Straka Šťastný Švestka Tůma Vlček Zajíc Žižka",
        marks="Javor Lípa Skřivan Vltavín Jitřenka Klas Smrk Datel Jezero Pramen Bříza Sokol",
        trades="Nářadí Nábytek Doprava Pekařství Tiskárna Optika Keramika Elektro Textil Papír Sklo Stavebniny Potraviny Obaly Strojírna "
        "Pivovar",
        legal="s.r.o.|a.s.|k.s.",
        titles="Nákupčí|Obchodní ředitel|Jednatelka|Účetní|Vedoucí skladu|Technička",
        streets="Dlouhá|Nádražní|Na Příkopě|Lipová|Žižkova|Květná|U Řeky|Školní",
        line2="2. patro|Hala C|Vchod B|Suterén",
    ),
    "greek": Language(
        given="Αγγελική:angeliki Αθηνά:athina Αλέξης:alexis Βασίλης:vasilis Γιώργος:giorgos Δάφνη:dafni Δημήτρης:dimitris Ειρήνη:irini "
        "Ελένη:eleni Ευθύμης:efthymis Ζωή:zoi Ηλίας:ilias Θάλεια:thalia Θεόδωρος:theodoros Ιάσων:iason Ιωάννα:ioanna Καλλιόπη:kalliopi "
        "Κώστας:kostas Λυδία:lydia Μάρκος:markos Μυρτώ:myrto Νίκος:nikos Ξένια:xenia Όλγα:olga Παναγιώτης:panagiotis Πέτρος:petros "
        "Ρένα:rena Σοφία:sofia Στέλιος:stelios Τάσος:tasos Φωτεινή:foteini Χρήστος:christos",
        family="Αλεξίου:alexiou Βλάχος:vlachos Γαλάνης:galanis Γεωργίου:georgiou Δούκας:doukas Ευσταθίου:efstathiou Ζέρβας:zervas "
        "Ηλιάδης:iliadis Θεοχάρης:theocharis Ιωαννίδης:ioannidis Καραγιάννης:karagiannis Κουρής:kouris Λάμπρου:lamprou "
        "Μακρής:makris Μανώλης:manolis Μυλωνάς:mylonas Νικολάου:nikolaou Ξένος:xenos Οικονόμου:oikonomou Παπαδάκης:papadakis "
        "Πετρίδης:petridis Ράπτης:raptis Ρούσσος:roussos Σαββίδης:savvidis Σταύρου:stavrou Τσάκος:tsakos Τριανταφύλλου:triantafyllou "
        "Υψηλάντης:ypsilantis Φραγκούλης:fragkoulis Χατζής:chatzis Ψαράς:psaras Ωραίου:oraiou",
        marks="Αυγή:avgi Ελιά:elia Θάλασσα:thalassa Κύμα:kyma Λιμάνι:limani Μελτέμι:meltemi Νησί:nisi Πέτρα:petra Πηγή:pigi "
        "Ρόδι:rodi Φάρος:faros Ήλιος:ilios",
        trades="Εργαλεία:ergaleia Έπιπλα:epipla Μεταφορές:metafores Αρτοποιία:artopoiia Εκτυπώσεις:ektyposeis Οπτικά:optika "
        "Κεραμικά:keramika Ηλεκτρικά:ilektrika Υφάσματα:yfasmata Χαρτικά:chartika Τρόφιμα:trofima Δομικά:domika Έλαια:elaia "
        "Συσκευασίες:syskevasies Μηχανήματα:michanimata Ψυκτικά:psyktika",
        legal="Α.Ε.|Ε.Π.Ε.|Ο.Ε.",
        titles="Αγοράστρια|Διευθυντής πωλήσεων|Λογίστρια|Ιδιοκτήτης|Υπεύθυνη αποθήκης|Γραμματέας",
        streets="Αγίου Δημητρίου|Ερμού|Λεωφόρος Νίκης|Πλατεία Ελευθερίας|Παπαφλέσσα|Ομήρου|Σωκράτους|Εθνικής Αντιστάσεως",
        line2="2ος όροφος|Κτίριο Β|Ισόγειο|Αποθήκη 3",
    ),
    "english": Language(
        given="Abigail Alfie Beatrix Callum Chloë Dominic Edith Elliot Felicity Finlay Gemma Graham Harriet Hugo Imogen Isaac Jasper "
        "Keira Leonard Lottie Mabel Miles Nadia Nathaniel Olive Oscar Phoebe Quentin Renée Rowan Sadie Tristan",
        family="Ashdown Barrowby Birkett Caldwell Cartmell Dunmore Eastgate Fairburn Fenwick Garside Hathersage Hollins Ingleby Jessop "
        "Kirkbride Langdale Lockwood Marchbank Merrow Netherby Oakes Penhallow Pryor Quayle Ravenscar Sheldrake Stanhope Thornbury "
        "Underhill Wetherby Winslade Yarwood",
        marks="Kestrel Harbour Bramble Foxglove Millstone Copperfield Northgate Heron Larkspur Ironwood Juniper Tidewater",
        trades="Tools Furniture Haulage Bakery Printing Optics Ceramics Electrical Textiles Paper Refrigeration Masonry Foods "
        "Packaging Engineering Gardens",
        legal="Ltd|LLP|Group",
        titles="Buyer|Head of Sales|Managing Director|Bookkeeper|Warehouse Manager|Planner",
        streets="Mill Lane|High Street|Station Road|Church Walk|Victoria Terrace|Orchard Avenue|Quayside|Park Row",
        street="{number} {street}",
        line2="Unit 4|Second floor|Suite 210|The Old Dairy",
    ),
    "portuguese": Language(
        given="Adão Anaís Antônia Beatriz Caetano Cecília Débora Elói Fábio Flávia Gastão Glória Hélio Iara Ícaro João Júlia Lívia Luís "
        "Márcia Mário Mônica Néria Nícolas Otávio Patrícia Régis Rosângela Sebastião Sílvia Tomé Vitória",
        family="Araújo Assunção Brandão Câmara Conceição Damião Espíndola Falcão Fragoão Galvão Guimarães Hipólito Inácio Jordão Lourenço "
        "Magalhães Mendonça Muniz Negrão Olímpio Pacífico Patrício Quitério Ramalhão Sabiá Simões Taborda Távora Uchôa Valadão "
        "Xavantes Zanetê",
        marks="Aroeira Beija-Flor Cerrado Maré Jacarandá Paineira Ipê Cachoeira Serra Sabiá Girassol Amanhecer",
        trades="Ferramentas Móveis Transportes Padaria Gráfica Óptica Cerâmica Elétrica Tecidos Papéis Refrigeração Construção Alimentos "
        "Embalagens Máquinas Cafés",
        legal="Ltda.|S.A.|ME",
        titles="Compradora|Gerente de vendas|Sócia|Contador|Chefe de estoque|Analista",
        streets="Rua das Flores|Avenida Brasil|Praça da Sé|Rua São João|Alameda dos Ipês|Rua do Comércio|Travessa da Paz|Rua Sete de Abril",
        street="{street}, {number}",
        line2="Sala 12|Galpão 3|Bloco B|2º andar",
    ),
    "japanese": Language(
        given="和:kazu 美:mi 真:ma 陽:haru 直:nao 智:tomo 友:yu 明:aki + 子:ko 也:ya 人:to 樹:ki 香:ka 介:suke",
        family="山:yama 中:naka 小:ko 大:oo 高:taka 石:ishi 松:matsu 北:kita + 田:da 川:kawa 村:mura 野:no 本:moto 島:shima",
        marks="青葉:aoba 暁:akatsuki 桜:sakura 鶴:tsuru 緑:midori 波:nami 雪:yuki 月:tsuki 若草:wakakusa 千鳥:chidori 松風:matsukaze 朝日:asahi",
        trades="工業:kogyo 家具:kagu 運輸:unyu 製菓:seika 印刷:insatsu 光学:kogaku 陶器:toki 電機:denki 繊維:seni 製紙:seishi 冷機:reiki 建設:kensetsu "
        "食品:shokuhin 包装:hoso 精機:seiki 園芸:engei",
        legal="株式会社|有限会社|合同会社",
        titles="営業部長|購買担当|代表取締役|経理担当|倉庫長|主任",
        streets="中央|本町|桜丘|緑町|栄町|大手町|青葉台|浜町",
        street="{street}{number}丁目",
        line2="二階|第三ビル|東棟|別館",
        company="{legal}{family}{mark}{trade}・{city}",
        middle_names=False,
    ),
    "korean": Language(
        given="지:ji 민:min 서:seo 하:ha 예:ye 도:do 현:hyeon 수:su + 우:u 아:a 준:jun 연:yeon 원:won 빈:bin",
        family="강:kang 고:ko 권:kwon 김:kim 남:nam 노:noh 문:moon 민:min 박:park 배:bae 백:baek 서:seo 손:son 송:song 신:shin 안:ahn "
        "양:yang 오:oh 유:yoo 윤:yoon 이:lee 임:lim 장:jang 전:jeon 정:jung 조:cho 차:cha 최:choi 하:ha 한:han 허:heo 황:hwang",
        marks="한빛:hanbit 미르:mireu 새벽:saebyeok 소나무:sonamu 바다:bada 나래:narae 다솜:dasom 가람:garam 누리:nuri 아침:achim 은하:eunha 들꽃:deulkkot",
        trades="공구:gonggu 가구:gagu 운송:unsong 제과:jegwa 인쇄:inswae 광학:gwanghak 도자기:dojagi 전기:jeongi 섬유:seomyu 제지:jeji 냉동:naengdong "
        "건설:geonseol 식품:sikpum 포장:pojang 정밀:jeongmil 원예:wonye",
        legal="(주)|주식회사|(유)",
        titles="구매 담당|영업 부장|대표이사|경리 과장|창고장|주임",
        streets="중앙로|세종대로|벚꽃길|강변로|시장길|학교로|항구로|은행나무길",
        line2="2층|나동|별관|301호",
        company="{legal} {family}{mark}{trade} {city}",
        middle_names=False,
    ),
    "bulgarian": Language(
        given="Александра:aleksandra Ангел:angel Божидар:bozhidar Борис:boris Васил:vasil Весела:vesela Георги:georgi Гергана:gergana "
        "Деница:denitsa Димитър:dimitar Елица:elitsa Емил:emil Живко:zhivko Златка:zlatka Ивайло:ivaylo Йорданка:yordanka "
        "Калина:kalina Кирил:kiril Лилия:liliya Любомир:lyubomir Мария:mariya Надежда:nadezhda Огнян:ognyan Пламен:plamen "
        "Радка:radka Румен:rumen Снежана:snezhana Стоян:stoyan Теодора:teodora Цветан:tsvetan Христо:hristo Яна:yana",
        family="Андреев:andreev Балкански:balkanski Бонев:bonev Велков:velkov Гочев:gochev Грънчаров:grancharov Делчев:delchev "
        "Дойнов:doynov Енчев:enchev Желев:zhelev Златев:zlatev Иванчев:ivanchev Йовчев:yovchev Калоянов:kaloyanov Крайчев:kraychev "
        "Липов:lipov Манолов:manolov Милушев:milushev Недялков:nedyalkov Орлов:orlov Панчев:panchev Радев:radev Славов:slavov "
        "Стойчев:stoychev Тинчев:tinchev Узунов:uzunov Филчев:filchev Хаджиев:hadzhiev Цонев:tsonev Чакъров:chakarov Шишков:shishkov "
        "Янков:yankov",
        marks="Балкан:balkan Бор:bor Вихрен:vihren Заря:zarya Извор:izvor Кедър:kedar Липа:lipa Морава:morava Орел:orel Роза:roza "
        "Слънце:slantse Явор:yavor",
        trades="Инструменти:instrumenti Мебели:mebeli Транспорт:transport Хлебарница:hlebarnitsa Печатница:pechatnitsa Оптика:optika "
        "Керамика:keramika Електро:elektro Текстил:tekstil Хартия:hartiya Храни:hrani Строеж:stroezh Опаковки:opakovki "
        "Машини:mashini Стъкло:staklo Климатик:klimatik",
        legal="ООД|АД|ЕООД",
        titles="Счетоводител|Търговски директор|Управител|Доставчик|Склададжия|Технолог",
        streets="ул. Шипка|бул. Витоша|ул. Цар Симеон|пл. Свобода|ул. Роза|ул. Граф Игнатиев|бул. България|ул. Странджа",
        line2="ет. 2|вх. Б|склад 4|офис 12",
    ),
    "arabic": Language(
        given="أحمد:ahmad أمل:amal إبراهيم:ibrahim باسم:basem بدر:badr تالا:tala جمال:jamal حسن:hasan حنان:hanan خالد:khaled دانة:dana رائد:raed "
        "ريم:reem زياد:ziyad سارة:sara سلمان:salman شهد:shahd صالح:saleh طارق:tareq عادل:adel عمر:omar غادة:ghada فارس:fares فهد:fahd "
        "كريم:kareem لينا:lina ماجد:majed مريم:maryam نورة:noura هدى:huda وليد:waleed ياسمين:yasmin",
        family="البحري:albahri التميمي:altamimi الجابر:aljaber الحداد:alhaddad الخياط:alkhayat الدوسري:aldosari الراشد:alrashed الزهراني:alzahrani "
        "السالم:alsalem الشمري:alshammari الصالح:alsaleh الطيب:altayeb العامري:alameri الغامدي:alghamdi الفارس:alfares القاسم:alqasem "
        "الكندي:alkindi اللؤلؤ:allulu المنصور:almansour النجار:alnajjar الهاشمي:alhashimi الوادي:alwadi اليامي:alyami باوزير:bawazir "
        "حمدان:hamdan درويش:darwish رضوان:radwan سليمان:sulaiman شاهين:shaheen عثمان:othman فاضل:fadel نصار:nassar",
        marks="النخيل:nakheel الفجر:fajr الواحة:waha الصقر:saqr اللؤلؤة:luluah النجم:najm الريان:rayyan الياسمين:yasmeen السحاب:sahab الينابيع:yanabi "
        "الغيث:ghaith الشروق:shorouq",
        trades="للأدوات:adawat للأثاث:athath للنقل:naql للمخابز:makhabez للطباعة:tibaa للبصريات:basariyat للخزف:khazaf للكهرباء:kahraba "
        "للنسيج:naseej للورق:waraq للتبريد:tabreed للبناء:bina للأغذية:aghthiya للتغليف:taghleef للآلات:alat للحدائق:hadaeq",
        legal="شركة|مؤسسة|مجموعة",
        titles="مدير المشتريات|مديرة المبيعات|المدير العام|محاسب|أمين المستودع|منسقة",
        streets="شارع الملك فهد|طريق المدينة|شارع الأمير سلطان|حي النخيل|شارع التحلية|طريق الكورنيش|شارع العليا|حي الروضة",
        line2="الطابق الثاني|مبنى ب|مستودع ٤|مكتب ١٢",
        company="{legal} {family} {mark} {trade} {city}",
    ),
}

COUNTRY_LIST: tuple[Country, ...] = (
    Country(
        "DE",
        "Germany",
        "german",
        "+49 9## ######",
        "+49 15# #######",
        "Hamburg|HH|20095,20457,22767;Köln|NW|50667,50823;München|BY|80331,80799;Lübeck|SH|23552,23560;"
        "Görlitz|SN|02826;Nürnberg|BY|90402,90478;Düsseldorf|NW|40213,40479;Osnabrück|NI|49074,49080",
    ),
    Country(
        "AT",
        "Austria",
        "german",
        "+43 1 9######",
        "+43 66# ######",
        "Wien|W|1010,1070,1190;Graz|ST|8010,8020;Linz|OÖ|4020;Salzburg|S|5020;Sankt Pölten|NÖ|3100;Villach|K|9500;Dornbirn|V|6850",
    ),
    Country(
        "CH",
        "Switzerland",
        "german",
        "+41 44 9## ## ##",
        "+41 79 9## ## ##",
        "Zürich|ZH|8001,8004;Bern|BE|3011;Basel|BS|4051,4053;Winterthur|ZH|8400;St. Gallen|SG|9000;Chur|GR|7000;Luzern|LU|6003",
    ),
    Country(
        "FR",
        "France",
        "french",
        "+33 4 ## ## ## ##",
        "+33 6 ## ## ## ##",
        "Lyon||69001,69003,69007;Orléans||45000;Besançon||25000;Nîmes||30000;Saint-Étienne||42000,42100;Angoulême||16000;"
        "Évreux||27000;Marseille||13001,13008",
    ),
    Country(
        "ES",
        "Spain",
        "spanish",
        "+34 9## ### ###",
        "+34 6## ### ###",
        "Málaga||29001,29015;León||24001;Cádiz||11001;Logroño||26001;Mérida||06800;A Coruña||15001;Sevilla||41001,41010;Almería||04001",
    ),
    Country(
        "IT",
        "Italy",
        "italian",
        "+39 0## ######",
        "+39 34# ######",
        "Bologna|BO|40121,40126;Forlì|FC|47121;Torino|TO|10121,10128;Cefalù|PA|90015;Verona|VR|37121;Bari|BA|70121;Trieste|TS|34121;"
        "Cantù|CO|22063",
    ),
    Country(
        "NL",
        "Netherlands",
        "dutch",
        "+31 20 9######",
        "+31 6 9#######",
        "Amsterdam|NH|1012 AB,1071 DJ;Utrecht|UT|3511 ED;'s-Hertogenbosch|NB|5211 HL;Groningen|GR|9711 LM;Delft|ZH|2611 CW;"
        "Zwolle|OV|8011 PK;Maastricht|LI|6211 EV;Leeuwarden|FR|8911 BX",
    ),
    Country(
        "PL",
        "Poland",
        "polish",
        "+48 9# ### ## ##",
        "+48 6## ### ###",
        "Łódź||90-001,91-002;Wrocław||50-101;Gdańsk||80-001,80-831;Kraków||30-001,31-011;Białystok||15-001;Częstochowa||42-200;"
        "Poznań||60-101;Rzeszów||35-001",
    ),
    Country(
        "SE",
        "Sweden",
        "swedish",
        "+46 8 9## ## ##",
        "+46 70 ### ## ##",
        "Malmö||211 20,211 34;Göteborg||411 03,413 01;Örebro||702 10;Umeå||903 25;Växjö||352 30;Jönköping||553 16;Stockholm||111 22,114 35;"
        "Luleå||972 31",
    ),
    Country(
        "DK",
        "Denmark",
        "danish",
        "+45 9# ## ## ##",
        "+45 2# ## ## ##",
        "Århus||8000;Køge||4600;Sønderborg||6400;Helsingør||3000;Odense||5000;Nykøbing||4800;Næstved||4700;København||1050,2100",
    ),
    Country(
        "CZ",
        "Czechia",
        "czech",
        "+420 2## ### ###",
        "+420 7## ### ###",
        "Plzeň||301 00;Brno||602 00,616 00;Děčín||405 02;Třebíč||674 01;České Budějovice||370 01;Ústí nad Labem||400 01;"
        "Praha||110 00,120 00,160 00;Zlín||760 01",
    ),
    Country(
        "GR",
        "Greece",
        "greek",
        "+30 210 9######",
        "+30 69# #######",
        "Αθήνα||105 57,116 35;Θεσσαλονίκη||546 24;Πάτρα||262 21;Ηράκλειο||712 01;Λάρισα||412 22;Βόλος||382 21;Ιωάννινα||453 32;Ρόδος||851 31",
    ),
    Country(
        "GB",
        "United Kingdom",
        "english",
        "+44 20 7946 0###",
        "+44 7700 900###",
        "Leeds|West Yorkshire|LS1 4AP,LS6 2QB;Bristol||BS1 5TR;Edinburgh|Midlothian|EH1 1YZ;Norwich|Norfolk|NR2 1NH;"
        "Truro|Cornwall|TR1 2HX;Swansea|West Glamorgan|SA1 3SN;London||SE1 9SG,N1 9GU;Durham|County Durham|DH1 3NJ",
    ),
    Country(
        "US",
        "USA",
        "english",
        "+1 9## 555 01##",
        "+1 9## 555 01##",
        "Portland|OR|97205,97214;Duluth|MN|55802;Savannah|GA|31401;Santa Fe|NM|87501;Buffalo|NY|14202;Boise|ID|83702;"
        "Madison|WI|53703;Austin|TX|78701,78704",
    ),
    Country(
        "BR",
        "Brazil",
        "portuguese",
        "+55 11 3### ####",
        "+55 11 9#### ####",
        "São Paulo|SP|01001-000,05407-002;Goiânia|GO|74003-010;Florianópolis|SC|88010-001;Belém|PA|66010-000;Niterói|RJ|24020-005;"
        "Maceió|AL|57020-000;Curitiba|PR|80010-000;Brasília|DF|70040-010",
    ),
    Country(
        "JP",
        "Japan",
        "japanese",
        "+81 3 9### ####",
        "+81 90 9### ####",
        "千代田区|東京都|100-0001,101-0021;横浜市|神奈川県|220-0012;大阪市|大阪府|530-0001;京都市|京都府|600-8216;札幌市|北海道|060-0042;"
        "福岡市|福岡県|810-0001;仙台市|宮城県|980-0021;名古屋市|愛知県|450-0002",
    ),
    Country(
        "KR",
        "South Korea",
        "korean",
        "+82 2 9### ####",
        "+82 10 9### ####",
        "서울||04524,06236;부산||48058;대구||41911;인천||21554;광주||61945;대전||35242;울산||44675;전주||54999",
    ),
    Country(
        "BG",
        "Bulgaria",
        "bulgarian",
        "+359 2 9## ####",
        "+359 88 ### ####",
        "София||1000,1113;Пловдив||4000;Варна||9000;Бургас||8000;Русе||7000;Стара Загора||6000;Плевен||5800;Велико Търново||5000",
    ),
    Country(
        "SA",
        "Saudi Arabia",
        "arabic",
        "+966 11 9## ####",
        "+966 50 ### ####",
        "الرياض||11564,12211;جدة||21442;الدمام||31411;مكة||21955;المدينة||41411;الطائف||21944;تبوك||47311;أبها||61321",
    ),
)

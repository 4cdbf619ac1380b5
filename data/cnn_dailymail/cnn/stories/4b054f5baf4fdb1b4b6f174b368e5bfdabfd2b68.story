SKARN STATION (CNN) -- A sack of airmail that fell into a crevasse when a cargo plane crashed in 1951 has come out at the foot of the Skarn glacier, almost four miles downhill and 64 years late.

Two geology students found it last week while they were measuring melt streams. The canvas had torn, but most of the 212 letters inside were legible, having been frozen the whole time.

The postal service has promised to deliver as many as it can. So far it has found living relatives of 37 of the people to whom the letters were addressed, and in three cases the very person.

One of those is Thora Eklund, 86, of Bergsund. Her letter was from a sailor, who asked whether she would meet him at the harbor on the first Sunday in June.

"I did wonder why he had stopped writing," she said. She married someone else in 1955. The sailor, inquiries show, became a dentist and died in 2002.

The plane's two pilots walked away from the crash. Glaciologists say that the wreck itself is likely to emerge within ten years, and that the letters have already told them how fast the ice is moving: about 300 feet a year.

@highlight

Mail from a plane that crashed in 1951 emerges at the foot of a glacier

@highlight

Most of the 212 letters are legible after 64 years in the ice

@highlight

Three of the people addressed are still alive to receive their letters

@highlight

The sack traveled almost four miles, about 300 feet a year

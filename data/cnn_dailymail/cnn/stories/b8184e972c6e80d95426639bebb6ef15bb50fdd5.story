(CNN) -- Bellamy Stroud, who drew the newspaper comic strip "Mrs. Pottle's Lodgers" every day for 49 years and never once showed Mrs. Pottle's face, died on Tuesday at his home in Carrow. He was 93.

His daughter, Winifred Stroud-Lang, said that he had been working at his desk that morning and had left a strip in pencil, without its last panel.

Stroud began as a messenger boy at the Carrow Evening Lamp. He was given the comic strip in 1946, when the regular artist broke a wrist, and was told that it would be for three weeks.

At its height the strip ran in 310 newspapers. It followed six lodgers in a boarding house where nothing much happened: a lost umbrella could last for a month. The landlady appeared only as a hand, a shoe or a voice from the stairs.

Readers often begged to see her. In a rare interview in 1988, Stroud said that he did not know what she looked like. "I am only a lodger there myself," he said.

He gave up the daily strip in 1995 but went on drawing it for his own pleasure. The family has not decided whether the later strips will be published.

@highlight

Cartoonist Bellamy Stroud, creator of "Mrs. Pottle's Lodgers," dies at 93

@highlight

He drew the strip for 49 years without showing the landlady's face

@highlight

At its height it ran in 310 newspapers

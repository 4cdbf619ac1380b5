LARCHMONT SPRINGS, Delmore (CNN) -- A jury took less than two hours on Wednesday to acquit a beekeeper accused of stealing nineteen hives from the orchard of his former business partner.

Prosecutors had argued that Caleb Winterbourne, 52, drove to the orchard on an April night and loaded the hives onto a borrowed flatbed. A neighbor testified that she saw headlights and heard "a sort of angry hum" at about 2 a.m.

The defense called just one witness: an entomologist, who told the court that she had compared the queens in Winterbourne's yard with dead bees left behind in the orchard. They were not related, she said.

Under cross-examination, former partner Silas Groome admitted that he had been four months behind on payments for the hives, and that he had not reported the theft until after he received a lawyer's letter.

Winterbourne wept when the foreman read the verdict. "I'm going home to check on the girls," he told reporters, meaning the bees.

The missing hives have never been found. Sheriff Nadia Oakes said that the case remains open, and that she would welcome a call from anyone who had lately come into a large amount of honey.

@highlight

Jury acquits beekeeper Caleb Winterbourne of stealing nineteen hives

@highlight

An entomologist testified that his queens were not related to the orchard's bees

@highlight

The missing hives have never been found and the case stays open

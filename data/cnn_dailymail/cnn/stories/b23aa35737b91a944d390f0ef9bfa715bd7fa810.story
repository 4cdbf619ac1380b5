KERRIGAN SPACE CENTER (CNN) -- The small probe Lantern flew within 90 miles of comet Dvořák-Ames on Sunday and sent back pictures of a surface so dark that controllers first thought the camera had failed.

The pictures, which took 52 minutes to reach the ground, show two rounded lumps of ice and dust joined by a narrow neck. One lump is covered in pits. The other is almost smooth.

"We stared at a black rectangle for about a minute and nobody breathed," said flight director Amara Nkele. "Then someone turned up the brightness and there it was, looking like a burnt peanut."

Lantern was launched six years ago on a rocket that also carried three larger satellites. The probe itself weighs less than a washing machine and was built by a team of 41, many of them students.

Its dust counter registered 1,100 hits during the flyby, roughly ten times what had been forecast. One of the two solar panels lost a fifth of its power, but the craft is otherwise healthy.

The comet will not return to the inner solar system for another 340 years. Lantern has enough fuel left to visit an asteroid in 2018.

@highlight

Lantern probe passes within 90 miles of comet Dvořák-Ames

@highlight

The pictures show two lumps of ice and dust joined by a narrow neck

@highlight

Dust damaged one solar panel, but the craft is otherwise healthy

@highlight

The probe has fuel left to visit an asteroid in 2018

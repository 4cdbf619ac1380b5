MBALENDO, Zuwari (CNN) -- Closing the gap between wall and roof with a strip of wire mesh has cut malaria among children by nearly half in a group of river villages, researchers said on Thursday.

The mesh costs about four dollars a house and takes an afternoon to fit. Mosquitoes in the region enter at night under the eaves, drawn by the warm air that rises from sleeping people.

The trial covered 1,860 houses in 22 villages along the Kasombe River. Half were fitted with mesh at the start of the rains and half only when the study ended. Among children under ten, there were 47 percent fewer cases in the screened homes.

"I have spent twenty years on vaccines," said Dr. Tendai Moyana, who led the work. "I confess that it is humbling to be beaten by a roll of wire."

Bed nets were used in all the houses, so the gain came on top of their protection. The team warned that the mesh had torn in one house in eight within a year, mostly because of chickens.

Village carpenter Josephine Aluko fitted more than 200 of the screens. She has since opened a workshop with four apprentices, all of them her former customers.

@highlight

Wire mesh under the eaves cut malaria in children by 47 percent

@highlight

The screens cost about four dollars a house and take an afternoon to fit

@highlight

The trial covered 1,860 houses in 22 villages along the Kasombe River

@highlight

The mesh tore in one house in eight within a year
